"""The Amazon MWAA environment: healthy, of a version that mwaalib supports, and using the uploaded files."""

from __future__ import annotations

import re

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

# Airflow versions that Amazon MWAA offers and mwaalib is tested in, and the Python of their images.
PYTHONS = {
    "2.9.2": "3.11",
    "2.10.1": "3.11",
    "2.10.3": "3.11",
    "2.11.0": "3.12",
    "2.11.2": "3.12",
    "3.0.6": "3.12",
    "3.2.1": "3.12",
    "3.3.1": "3.12",
}
OLDEST = (2, 9)


def check_environment(context: Context) -> list[Finding]:
    """Check the environment's state, Airflow version and bucket, and which versions of the files it uses."""
    name = context.environment_name
    if name is None:
        return [unknown("MWAA environment", "none was named", "name it with -e")]
    subject = f"MWAA environment {name}"
    if context.environment_error is not None:
        error = context.environment_error
        if error.missing:
            remedy = "see their names with: aws mwaa list-environments, and name the region with --region"
            return [broken(subject, f"does not exist in {context.aws.region}", remedy)]
        return [unknown(subject, str(error))]
    found = [_status(context, subject), _version(context, subject), _bucket(context, subject)]
    for what, path, version in (
        ("plugins.zip", "PluginsS3Path", "PluginsS3ObjectVersion"),
        ("requirements.txt", "RequirementsS3Path", "RequirementsS3ObjectVersion"),
    ):
        found.append(_uses(context, f"{subject}, {what}", what, path, version))
    return found


def _status(context: Context, subject: str) -> Finding:
    status = context.environment["Status"]
    last = context.environment.get("LastUpdate") or {}
    if status == "AVAILABLE" and last.get("Status") != "FAILED":
        return ok(subject, status)
    if status in ("CREATING", "UPDATING", "CREATING_SNAPSHOT", "ROLLING_BACK", "PENDING", "MAINTENANCE"):
        return unknown(subject, f"is {status}", "wait for it to end, then check again")
    reason = (last.get("Error") or {}).get("ErrorMessage", "")
    detail = f"is {status}, its last update {last.get('Status', 'unknown')}: {reason}".rstrip(": ")
    return broken(subject, detail, "mend the cause, then update it: setup/deploy.sh ... -e <environment>")


def _version(context: Context, subject: str) -> Finding:
    version = str(context.environment.get("AirflowVersion", ""))
    subject = f"{subject}, Airflow version"
    if version in PYTHONS:
        return ok(subject, f"{version}, Python {PYTHONS[version]}")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers:
        return unknown(subject, f"it is {version or 'not told'}, which is no version number")
    if numbers >= OLDEST:
        return unknown(subject, f"{version} is not one that mwaalib is tested in: {', '.join(PYTHONS)}")
    remedy = f"upgrade the environment to one of {', '.join(PYTHONS)}"
    return broken(subject, f"{version} is older than mwaalib supports", remedy)


def _bucket(context: Context, subject: str) -> Finding:
    used = str(context.environment.get("SourceBucketArn", "")).rpartition(":")[2]
    wanted = context.buckets.get("MwaaBucket")
    subject = f"{subject}, bucket"
    if wanted and used != wanted:
        remedy = f"deploy to its bucket: setup/deploy.sh -s {used} -d {context.buckets.get('DataBucket')}"
        return broken(subject, f"reads {used}, but the files were deployed to {wanted}", remedy)
    return ok(subject, used)


def _uses(context: Context, subject: str, what: str, path: str, version: str) -> Finding:
    remedy = f"{context.deploy} -e {context.environment_name}"
    used, key = context.environment.get(version), context.environment.get(path)
    if not key:
        return broken(subject, f"the environment uses no {what}", remedy)
    bucket = str(context.environment.get("SourceBucketArn", "")).rpartition(":")[2]
    try:
        newest = context.aws.call("s3", "head_object", Bucket=bucket, Key=key).get("VersionId")
    except CallError as error:
        if error.missing:
            return broken(subject, f"s3://{bucket}/{key} does not exist", remedy)
        return unknown(subject, str(error))
    if used and newest and used != newest:
        return broken(subject, f"uses version {used}, the newest uploaded is {newest}", remedy)
    return ok(subject, f"{key}, version {used or newest}")
