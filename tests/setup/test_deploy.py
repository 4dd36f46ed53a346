"""deploy.sh and teardown.sh against the stand-in, by the real AWS CLI."""

from __future__ import annotations

import json
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
    name = request.node.originalname.replace("_", "-").removeprefix("test-")[:40].strip("-")
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
    standin.fault("s3", "HeadBucket", code="403", status=403, times=None)
    try:
        done = account.run("deploy")
    finally:
        standin.clear_faults()
    assert done.returncode == 1
    for bucket in (account.data, account.mwaa):
        assert f"no access to bucket {bucket}: it belongs to another account" in done.stderr
    standin.fault("s3", "GetBucketVersioning", code="AccessDenied", status=403)
    try:
        done = account.run("deploy")
    finally:
        standin.clear_faults()
    assert "or the permission s3:GetBucketVersioning lacks" in done.stderr
    assert account.status() is None


def test_a_bucket_in_another_region(account: Account) -> None:
    account.s3.create_bucket(
        Bucket=f"{account.data}-west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    done = account.checkout.run("deploy", "-s", account.mwaa, "-d", f"{account.data}-west")
    assert done.returncode == 1
    assert f"bucket {account.data}-west is in us-west-2, the stack would be in us-east-1" in done.stderr
    assert "AWS_REGION=us-west-2" in done.stderr


def access(standin: StandIn) -> str:
    """What EMR's nodes may do, as text."""
    document = standin.client("iam").get_role_policy(
        RoleName="EMR_EC2_DefaultRole", PolicyName="movielens-data"
    )["PolicyDocument"]
    return json.dumps(document)


def test_another_data_bucket_is_the_nodes_bucket_too(account: Account, standin: StandIn) -> None:
    assert account.run("deploy", "-b", "given-set").returncode == 0
    assert f"arn:aws:s3:::{account.data}/*" in access(standin)
    assert "arn:aws:s3:::given-set/*" in access(standin)
    other = f"{account.data}-2"
    account.s3.create_bucket(Bucket=other)
    done = account.checkout.run("deploy", "-s", account.mwaa, "-d", other)
    assert done.returncode == 0, done.stderr
    assert f"arn:aws:s3:::{other}/*" in access(standin)
    assert f"arn:aws:s3:::{account.data}/*" not in access(standin)
    assert "arn:aws:s3:::given-set/*" in access(standin), "kept until another is named"
    assert standin.client("iam").get_role(RoleName="EMR_DefaultRole")


def test_roles_that_are_there_already(account: Account, standin: StandIn) -> None:
    iam = standin.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="EMR_EC2_DefaultRole", AssumeRolePolicyDocument=trust)
    done = account.run("deploy")
    assert done.returncode == 1
    assert "there is a role EMR_EC2_DefaultRole without its instance profile" in done.stderr
    assert "aws iam create-instance-profile" in done.stderr
    iam.create_instance_profile(InstanceProfileName="EMR_EC2_DefaultRole")
    try:
        done = account.run("deploy")
        assert done.returncode == 0, done.stderr
        assert f"see that it may read and write s3://{account.data}" in done.stdout
        assert account.status(f"{STACK}-emr-roles") == "CREATE_COMPLETE", "for EMR_DefaultRole"
    finally:
        iam.delete_instance_profile(InstanceProfileName="EMR_EC2_DefaultRole")
        iam.delete_role(RoleName="EMR_EC2_DefaultRole")


def test_roles_stack_that_never_came_up(account: Account, standin: StandIn) -> None:
    standin.fault("iam", "GetRole", code="NoSuchEntity", status=404, message="NoSuchEntity", times=1)
    iam = standin.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="EMR_DefaultRole", AssumeRolePolicyDocument=trust)
    try:
        done = account.run("deploy")
    finally:
        standin.clear_faults()
        iam.delete_role(RoleName="EMR_DefaultRole")
    assert done.returncode == 1
    assert account.status(f"{STACK}-emr-roles") == "ROLLBACK_COMPLETE"
    done = account.run("deploy")
    assert done.returncode == 0, done.stderr
    assert account.status(f"{STACK}-emr-roles") == "CREATE_COMPLETE"
    assert iam.get_role(RoleName="EMR_DefaultRole")


def test_roles_are_kept_while_clusters_are_active(account: Account, standin: StandIn) -> None:
    assert account.run("deploy").returncode == 0
    cluster = standin.client("emr").run_job_flow(
        Name="anybody's",
        Instances={
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )["JobFlowId"]
    try:
        done = account.run("teardown", "-a")
        assert done.returncode == 1
        assert f"clusters are active and may run under the EMR roles: {cluster}" in done.stderr
        assert account.status() == "CREATE_COMPLETE", "nothing is deleted"
    finally:
        standin.client("emr").terminate_job_flows(JobFlowIds=[cluster])


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
    account.checkout.write_requirements("3.3.1", "0.2.0")
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert done.returncode == 1
    assert "the update failed: requirements do not install" in done.stderr


def test_environments_that_cannot_be_updated(account: Account, mwaa: FakeMwaa) -> None:
    done = account.run("deploy", "-e", "other", MWAALIB_POLL_SECONDS="0")
    assert done.returncode == 1
    assert "no Amazon MWAA environment other in this account and region (us-east-1)" in done.stderr
    assert "aws mwaa list-environments" in done.stderr
    mwaa.environment["Status"] = "CREATING"
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert "is CREATING" in done.stderr
    mwaa.environment["SourceBucketArn"] = "arn:aws:s3:::another"
    done = account.run("deploy", "-e", "airflow", MWAALIB_POLL_SECONDS="0")
    assert f"uses the bucket another, not {account.mwaa}" in done.stderr
    assert account.status() is None


CONSTRAINTS = "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"


@pytest.mark.parametrize(
    ("requirements", "complaint"),
    [
        ("# Amazon MWAA 3.0.6: Airflow 3.0.6, Python 3.12\n", "dist/requirements.txt is for Airflow 3.0.6;"),
        (f'--constraint "{CONSTRAINTS}"\n', "dist/requirements.txt is for Airflow 2.10.3;"),
        ("mwaalib==0.1.0\n", "dist/requirements.txt does not say which Airflow it is for;"),
    ],
    ids=["first line", "constraints", "neither"],
)
def test_files_for_another_airflow(
    account: Account, mwaa: FakeMwaa, requirements: str, complaint: str
) -> None:
    (account.checkout.root / "dist" / "requirements.txt").write_text(requirements)
    done = account.run("deploy", "-e", "airflow")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "make mwaa MWAA_VERSION=3.3.1" in done.stderr
    assert account.status() is None


def test_what_an_environment_cannot_take(account: Account, mwaa: FakeMwaa) -> None:
    account.checkout.pack_plugins("mwaalib-0.1.0-cp310-abi3-manylinux_2_28_aarch64.whl")
    done = account.run("deploy", "-e", "airflow")
    assert done.returncode == 1
    assert "the wheel in dist/plugins.zip is not for x86_64" in done.stderr
    account.s3.put_bucket_versioning(Bucket=account.mwaa, VersioningConfiguration={"Status": "Suspended"})
    done = account.run("deploy", "-e", "airflow")
    assert done.returncode == 1
    assert f"bucket {account.mwaa} has no versioning" in done.stderr
    assert f"aws s3api put-bucket-versioning --bucket {account.mwaa}" in done.stderr
    assert account.status() is None


def test_teardown_finds_the_dag_in_the_environments_folder(account: Account, mwaa: FakeMwaa) -> None:
    for key in ("dags/mwaa_movielens_dag.py", "flows/mwaa_movielens_dag.py"):
        account.s3.put_object(Bucket=account.mwaa, Key=key, Body=b"")
    done = account.run("teardown", "-e", "airflow")
    assert done.returncode == 0, done.stderr
    assert account.keys(account.mwaa) == {"dags/mwaa_movielens_dag.py"}
    done = account.run("teardown", "-e", "other")
    assert "no Amazon MWAA environment other" in done.stderr
