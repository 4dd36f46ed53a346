"""What the checks share: where to look, and what earlier checks found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mwaalib.cli.check.aws import Aws, CallError

DATABASE = "mwaa-movielens-demo-db"
STATE_MACHINE = "Movielens-Transform-job"
DEPLOY = "setup/deploy.sh -s <MWAA bucket> -d <data bucket>"


@dataclass
class Context:
    """One deployment under check.

    :param aws: AWS.
    :param stack: name of the stack.
    :param project: checkout with the local files.
    :param environment_name: Amazon MWAA environment, if one was named.
    :param role: execution role, if one was named.
    :param buckets: ``MwaaBucket`` and ``DataBucket`` as named by the user.
    :param resources: physical id and status of the stack's resources by logical id.
    :param environment: the environment as GetEnvironment tells it.
    """

    aws: Aws
    stack: str
    project: Path
    environment_name: str | None = None
    role: str | None = None
    account: str = ""
    caller: str = ""
    partition: str = "aws"
    buckets: dict[str, str | None] = field(default_factory=dict)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    stack_error: str = ""
    stack_status: str = ""
    stack_reason: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    environment_error: CallError | None = None

    @property
    def deploy(self) -> str:
        """The command that mends what the stack or the uploads lack."""
        return (
            f"setup/deploy.sh -s {self.buckets.get('MwaaBucket') or '<MWAA bucket>'} "
            f"-d {self.buckets.get('DataBucket') or '<data bucket>'}"
            + (f" -n {self.stack}" if self.stack != "mwaa-demo-foundations" else "")
        )

    def load(self) -> None:
        """Read the identity, the stack and the environment; what cannot be read is kept as an error."""
        identity = self.aws.call("sts", "get_caller_identity")
        self.account = identity["Account"]
        self.caller = identity["Arn"]
        self.partition = identity["Arn"].split(":")[1]
        self._load_stack()
        if self.environment_name:
            try:
                reply = self.aws.call("mwaa", "get_environment", Name=self.environment_name)
                self.environment = reply["Environment"]
            except CallError as error:
                self.environment_error = error
        if not self.buckets.get("MwaaBucket") and self.environment.get("SourceBucketArn"):
            self.buckets["MwaaBucket"] = self.environment["SourceBucketArn"].rpartition(":")[2]

    def _load_stack(self) -> None:
        try:
            stack = self.aws.call("cloudformation", "describe_stacks", StackName=self.stack)["Stacks"][0]
            self.stack_status = stack["StackStatus"]
            self.stack_reason = stack.get("StackStatusReason", "")
            for parameter in stack.get("Parameters", []):
                key = parameter["ParameterKey"]
                if key in ("MwaaBucket", "DataBucket") and not self.buckets.get(key):
                    self.buckets[key] = parameter["ParameterValue"]
            listed = self.aws.pages(
                "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=self.stack
            )
            self.resources = {entry["LogicalResourceId"]: entry for entry in listed}
        except CallError as error:
            self.stack_error = "missing" if error.missing else str(error)

    def uploaded(self, what: str) -> tuple[str, str | None]:
        """Return key and version of a file as the environment uses it, or else where deploy.sh puts it.

        :param what: ``plugins.zip`` or ``requirements.txt``.
        """
        member = {"plugins.zip": "Plugins", "requirements.txt": "Requirements"}[what]
        key = self.environment.get(f"{member}S3Path")
        return (key, self.environment.get(f"{member}S3ObjectVersion")) if key else (what, None)

    def role_name(self) -> str | None:
        """The execution role's name: as named by the user, else the environment's."""
        arn = self.role or self.environment.get("ExecutionRoleArn")
        return arn.rpartition("/")[2] if arn else None

    def role_arn(self) -> str | None:
        """The execution role's ARN."""
        if self.role and self.role.startswith("arn:"):
            return self.role
        if self.role:
            return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"
        return self.environment.get("ExecutionRoleArn")
