"""deploy.sh and teardown.sh against the stand-in, by the real AWS CLI."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fake_checkout import Checkout
from fake_mwaa import FakeMwaa
from mwaalib.testing.process import StandIn
from resident_cli import ResidentCli

STACK = "mwaa-demo-foundations"


class Account:
    """A checkout and two buckets to deploy it to.

    :param standin: the AWS it is in
    :param checkout: what is deployed
    :param name: makes the buckets' names, so that each test has its own
    """

    def __init__(self, standin: StandIn, checkout: Checkout, name: str) -> None:
        self.standin, self.checkout = standin, checkout
        self.mwaa, self.data = f"{name}-mwaa", f"{name}-data"
        self.s3 = standin.client("s3")
        self.cloudformation = standin.client("cloudformation")
        self.s3.create_bucket(Bucket=self.data)
        self.s3.create_bucket(Bucket=self.mwaa)
        self.s3.put_bucket_versioning(Bucket=self.mwaa, VersioningConfiguration={"Status": "Enabled"})

    def run(self, script: str, *more: str, **environment: str) -> Any:
        return self.checkout.run(script, "-s", self.mwaa, "-d", self.data, *more, **environment)

    def keys(self, bucket: str) -> set[str]:
        return {entry["Key"] for entry in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])}

    def version(self, key: str) -> str:
        version: str = self.s3.head_object(Bucket=self.mwaa, Key=key)["VersionId"]
        return version

    def status(self, stack: str = STACK) -> str | None:
        try:
            status: str = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return None
        return status


@pytest.fixture
def account(
    standin: StandIn,
    tmp_path: pathlib.Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    for variable, value in standin.environment().items():
        monkeypatch.setenv(variable, value)
    cli = ResidentCli(tmp_path)
    checkout = Checkout(tmp_path / "checkout", {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    name = request.node.name.replace("_", "-").removeprefix("test-")[:40].strip("-")
    yield Account(standin, checkout, name)
    cloudformation = standin.client("cloudformation")
    for stack in (STACK, f"{STACK}-emr-roles"):
        cloudformation.delete_stack(StackName=stack)
    cli.close()


def test_from_nothing_and_again_and_away(account: Account, standin: StandIn) -> None:
    done = account.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "Waiting for stack update to complete ..." in done.stdout
    assert "Finished create/update successfully!" in done.stdout
    assert account.status() == "CREATE_COMPLETE"
    parameters = standin.client("ssm").get_parameters_by_path(Path="/mwaa", Recursive=True)["Parameters"]
    values = {parameter["Name"]: parameter["Value"] for parameter in parameters}
    assert values.pop("/mwaa/sfn/movielens").endswith(":stateMachine:Movielens-Transform-job")
    assert values == {
        "/mwaa/S3/DemoBucket": account.data,
        "/mwaa/S3/mwaaBucket": account.mwaa,
        "/mwaa/glue/movielens": "mwaa-movielens-glue-job",
    }
    scripts = {path.name for path in (account.checkout.root / "setup" / "transform").glob("*.py")}
    assert {f"scripts/{name}" for name in scripts} <= account.keys(account.data)
    assert account.keys(account.mwaa) == {"dags/mwaa_movielens_dag.py", "plugins.zip", "requirements.txt"}
    assert f"version {account.version('plugins.zip')}" in done.stdout
    standin.client("iam").get_role(RoleName="EMR_DefaultRole")
    policy = (account.checkout.root / "dist" / "additional_policy.json").read_text()
    assert f"arn:aws:s3:::{account.data}/logs/*" in policy
    assert "<" not in policy

    versions = account.version("plugins.zip"), account.version("requirements.txt")
    done = account.run("deploy")
    assert done.returncode == 0, done.stderr
    assert f"Stack {STACK} is up to date." in done.stdout
    assert "Finished create/update successfully!" in done.stdout
    assert (account.version("plugins.zip"), account.version("requirements.txt")) == versions

    done = account.run("teardown", "-a")
    assert done.returncode == 0, done.stderr
    assert account.status() is None
    assert account.status(f"{STACK}-emr-roles") is None
    assert account.keys(account.data) == set()
    assert account.keys(account.mwaa) == {"plugins.zip", "requirements.txt"}
    again = account.run("teardown")
    assert again.returncode == 0, again.stderr


def test_a_failing_stack_names_resource_and_reason(account: Account, standin: StandIn) -> None:
    glue = standin.client("glue")
    glue.create_database(DatabaseInput={"Name": "mwaa-movielens-demo-db"})
    done = account.run("deploy")
    assert done.returncode == 1
    assert "MovielensDatabase (AWS::Glue::Database) CREATE_FAILED: " in done.stderr
    assert "Finished" not in done.stdout
    # What stood in the way is gone: the stack that never came up is replaced.
    glue.delete_database(Name="mwaa-movielens-demo-db")
    done = account.run("deploy")
    assert done.returncode == 0, done.stderr
    assert account.status() == "CREATE_COMPLETE"


def test_missing_and_forbidden_buckets(account: Account, standin: StandIn) -> None:
    done = account.checkout.run("deploy", "-s", account.mwaa, "-d", "no-such-bucket")
    assert done.returncode == 1
    assert "bucket no-such-bucket does not exist" in done.stderr
    done = account.checkout.run("deploy", "-s", "no-such-bucket", "-d", account.data)
    assert "bucket no-such-bucket does not exist" in done.stderr
    assert account.status() is None


@pytest.fixture
def mwaa(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMwaa]:
    fake = FakeMwaa(account.mwaa)
    for variable, value in fake.variables.items():
        monkeypatch.setenv(variable, value)
    yield fake
    fake.close()


def test_updates_the_environment(account: Account, mwaa: FakeMwaa) -> None:
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert done.returncode == 0, done.stderr
    assert "Environment airflow is updated." in done.stdout
    assert mwaa.updates == [
        {
            "PluginsS3Path": "plugins.zip",
            "PluginsS3ObjectVersion": account.version("plugins.zip"),
            "RequirementsS3Path": "requirements.txt",
            "RequirementsS3ObjectVersion": account.version("requirements.txt"),
        }
    ]
    assert "flows/mwaa_movielens_dag.py" in account.keys(account.mwaa)

    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert "uses these files already" in done.stdout
    assert len(mwaa.updates) == 1

    mwaa.outcome = "FAILED"
    (account.checkout.root / "dist" / "requirements.txt").write_text("mwaalib==0.2.0\n")
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert done.returncode == 1
    assert "the update failed: requirements do not install" in done.stderr


def test_environments_that_cannot_be_updated(account: Account, mwaa: FakeMwaa) -> None:
    done = account.run("deploy", "-e", "other", MWAALIB_POLL_SECONDS="0")
    assert done.returncode == 1
    assert "no Amazon MWAA environment other" in done.stderr
    mwaa.environment["Status"] = "CREATING"
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert "is CREATING" in done.stderr
    mwaa.environment["SourceBucketArn"] = "arn:aws:s3:::another"
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert f"uses the bucket another, not {account.mwaa}" in done.stderr
    assert account.status() is None
