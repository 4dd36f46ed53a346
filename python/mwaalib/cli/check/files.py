"""The uploaded files: there, and the same as the local ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

DAG = "mwaa_movielens_dag.py"


def check_files(context: Context) -> list[Finding]:
    """Compare scripts, DAG, plugins.zip and requirements.txt with their uploaded copies."""
    project = context.project
    if not (project / "setup" / "template.yaml").is_file():
        detail = f"{project.resolve()} is no checkout of the project, so there is nothing to compare with"
        return [unknown("uploaded files", detail, "run in the checkout, or name it with --project")]
    data, mwaa = context.buckets.get("DataBucket"), context.buckets.get("MwaaBucket")
    dags = str(context.environment.get("DagS3Path") or "dags").rstrip("/")
    pairs = [
        ("script", path, data, f"scripts/{path.name}")
        for path in sorted((project / "setup" / "transform").glob("*.py"))
    ]
    pairs += [
        ("DAG", project / "dags" / DAG, mwaa, f"{dags}/{DAG}"),
        ("plugins.zip", project / "dist" / "plugins.zip", mwaa, context.uploaded("plugins.zip")[0]),
        (
            "requirements.txt",
            project / "dist" / "requirements.txt",
            mwaa,
            context.uploaded("requirements.txt")[0],
        ),
    ]
    return [_compare(context, *pair) for pair in pairs]


def _compare(context: Context, kind: str, local: Path, bucket: str | None, key: str) -> Finding:
    subject = f"{kind} {local.name}" if kind != local.name else kind
    if not bucket:
        return unknown(subject, "its bucket is not known", "name the buckets with -s and -d")
    address = f"s3://{bucket}/{key}"
    deploy = context.deploy
    if key != kind == local.name:  # the environment reads it elsewhere than deploy.sh puts it
        deploy = f"{deploy} -e {context.environment_name}, which lets the environment use {kind}"
    try:
        uploaded = digest_of(context, bucket, key)
    except CallError as error:
        if error.missing:
            return broken(subject, f"{address} does not exist", f"upload it: {deploy}")
        return unknown(subject, f"{address}: {error}")
    if not local.is_file():
        return unknown(subject, f"{address} is there; {local} is not, to compare it with", "make mwaa")
    if hashlib.sha256(local.read_bytes()).hexdigest() != uploaded:
        return broken(subject, f"{address} differs from {local}", f"upload it again: {deploy}")
    return ok(subject, address)


def digest_of(context: Context, bucket: str, key: str) -> str:
    """Return the SHA-256 of an object's content.

    :raises CallError: if it is not there or cannot be read.
    """
    return hashlib.sha256(read_object(context, bucket, key)).hexdigest()


def read_object(context: Context, bucket: str, key: str, version: str | None = None) -> bytes:
    """Return an object's content.

    :raises CallError: if it is not there or cannot be read.
    """
    chosen = {"VersionId": version} if version else {}
    content: bytes = context.aws.call("s3", "get_object", Bucket=bucket, Key=key, **chosen)["Body"].read()
    return content
