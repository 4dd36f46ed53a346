"""The MovieLens deployment on the AWS stand-in, made the way deploy.sh makes it, without its waits."""

from __future__ import annotations

import contextlib
import io
import json
import re
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
MWAA, DATA, ROLE, ENVIRONMENT = "check-mwaa", "check-data", "check-execution", "check"
STACK = "mwaa-demo-foundations"
WHEEL = "mwaalib-0.1.0-cp310-abi3-manylinux_2_28_x86_64.whl"
LOG_GROUP = f"airflow-{ENVIRONMENT}-Scheduler"
INSTALLED = "Successfully installed mwaalib-0.1.0"
FUNCTIONS = ("process_movielens", "checkjob_movielens", "crawl_movielens", "error_movielens")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


def broken(report: dict[str, Any]) -> dict[str, Any]:
    """The broken findings of a report, by subject."""
    return {f["subject"]: f for f in report["findings"] if f["status"] == "broken"}


def make_plugins(native: Path | None = None) -> bytes:
    """A plugins.zip with a wheel at its root: with the built extension module in it, or an ELF head only."""
    module = native.read_bytes() if native else b"\x7fELF" + bytes(14) + struct.pack("<H", 0x3E)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mwaalib/__init__.py", "")
        archive.writestr("mwaalib/_core.abi3.so", module)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(WHEEL, wheel.getvalue())
    return target.getvalue()


REQUIREMENTS = (
    "# Amazon MWAA 3.3.1: Airflow 3.3.1, Python 3.12\n"
    '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-3.3.1/constraints-3.12.txt"\n'
    f"--find-links /usr/local/airflow/plugins\n\n/usr/local/airflow/plugins/{WHEEL}\n"
)


class Deployment:
    """A deployment, and the clients to break it with.

    :param endpoint: address of the stand-in.
    :param project: directory that stands for the checkout.
    """

    def __init__(self, endpoint: str, project: Path, native: Path | None) -> None:
        self.endpoint, self.project = endpoint, project
        self.plugins = make_plugins(native)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            config=Config(inject_host_prefix=False),
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def make(self) -> None:
        """Deploy: buckets, stacks, files, execution role, environment."""
        self._project()
        s3 = self.client("s3")
        for bucket in (MWAA, DATA):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=MWAA, VersioningConfiguration={"Status": "Enabled"})
        self._stacks(s3)
        self.upload()
        self._role()
        self.client("mwaa").create_environment(
            Name=ENVIRONMENT,
            ExecutionRoleArn=f"arn:aws:iam::123456789012:role/{ROLE}",
            SourceBucketArn=f"arn:aws:s3:::{MWAA}",
            DagS3Path="dags",
            AirflowVersion="3.3.1",
            PluginsS3Path="plugins.zip",
            PluginsS3ObjectVersion=s3.head_object(Bucket=MWAA, Key="plugins.zip")["VersionId"],
            RequirementsS3Path="requirements.txt",
            RequirementsS3ObjectVersion=s3.head_object(Bucket=MWAA, Key="requirements.txt")["VersionId"],
            NetworkConfiguration={"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        )
        self._settle()
        self.log_of_pip("a", [f"Processing /usr/local/airflow/plugins/{WHEEL}", INSTALLED])

    def log_of_pip(self, name: str, lines: list[str]) -> str:
        """Write a log of pip as Amazon MWAA does when the environment starts; return its stream's name."""
        logs = self.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=LOG_GROUP)
        stream = f"requirements_install_ip-10-0-0-1.ec2.internal_{name}.log"
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + i, "message": line} for i, line in enumerate(lines)]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)
        return stream

    def _settle(self) -> None:
        end = time.monotonic() + 30
        while self.client("mwaa").get_environment(Name=ENVIRONMENT)["Environment"]["Status"] != "AVAILABLE":
            assert time.monotonic() < end, "the environment does not become available"
            time.sleep(0.1)

    def _project(self) -> None:
        (self.project / "dist").mkdir(parents=True)
        for folder in ("setup", "dags"):
            (self.project / folder).symlink_to(ROOT / folder)
        (self.project / "dist" / "plugins.zip").write_bytes(self.plugins)
        (self.project / "dist" / "requirements.txt").write_text(REQUIREMENTS)

    def _stacks(self, s3: Any) -> None:
        template = (ROOT / "setup" / "template.yaml").read_text()
        for name in FUNCTIONS:
            code = io.BytesIO()
            with zipfile.ZipFile(code, "w") as archive:
                archive.writestr("bootstrap", "#!/bin/sh\n")
            s3.put_object(Bucket=DATA, Key=f"artifacts/{name}.zip", Body=code.getvalue())
            uploaded = f"Code: {{ S3Bucket: {DATA}, S3Key: artifacts/{name}.zip }}"
            template = re.sub(rf"Code: \S*{name}\.zip", uploaded, template)
        cloudformation = self.client("cloudformation")
        buckets = [
            {"ParameterKey": "DataBucket", "ParameterValue": DATA},
            {"ParameterKey": "MwaaBucket", "ParameterValue": MWAA},
        ]
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
        cloudformation.create_stack(
            StackName=STACK, TemplateBody=template, Parameters=buckets, Capabilities=capabilities
        )
        cloudformation.create_stack(
            StackName=f"{STACK}-emr-roles",
            TemplateBody=(ROOT / "setup" / "default-emr-roles.yaml").read_text(),
            Parameters=buckets[:1],
            Capabilities=capabilities,
        )
        for name in (STACK, f"{STACK}-emr-roles"):
            waiter = cloudformation.get_waiter("stack_create_complete")
            waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def upload(self) -> None:
        """Upload scripts, DAG, plugins.zip and requirements.txt."""
        s3 = self.client("s3")
        for script in (ROOT / "setup" / "transform").glob("*.py"):
            s3.put_object(Bucket=DATA, Key=f"scripts/{script.name}", Body=script.read_bytes())
        dag = ROOT / "dags" / "mwaa_movielens_dag.py"
        s3.put_object(Bucket=MWAA, Key=f"dags/{dag.name}", Body=dag.read_bytes())
        s3.put_object(Bucket=MWAA, Key="plugins.zip", Body=self.plugins)
        s3.put_object(Bucket=MWAA, Key="requirements.txt", Body=REQUIREMENTS.encode())

    def use_newest(self) -> None:
        """Let the environment use the newest uploads."""
        s3 = self.client("s3")
        self.client("mwaa").update_environment(
            Name=ENVIRONMENT,
            PluginsS3ObjectVersion=s3.head_object(Bucket=MWAA, Key="plugins.zip")["VersionId"],
            RequirementsS3ObjectVersion=s3.head_object(Bucket=MWAA, Key="requirements.txt")["VersionId"],
        )
        self._settle()

    def policy(self) -> dict[str, Any]:
        """The execution role's policy, as deploy.sh fills it in."""
        text = (ROOT / "setup" / "additional_policy.json").read_text()
        document: dict[str, Any] = json.loads(
            text.replace("<AccountId>", "123456789012")
            .replace("<Region>", "us-east-1")
            .replace("<DataBucket>", DATA)
        )
        return document

    def put_policy(self, document: dict[str, Any]) -> None:
        """Give the execution role this policy."""
        self.client("iam").put_role_policy(
            RoleName=ROLE, PolicyName="mwaa-movielens", PolicyDocument=json.dumps(document)
        )

    def _role(self) -> None:
        self.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.put_policy(self.policy())
