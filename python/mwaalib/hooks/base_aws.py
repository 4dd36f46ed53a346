"""Base of the hooks: an Airflow `aws` connection and a native session."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mwaalib import _json, _native, connection
from mwaalib.compat import BaseHook
from mwaalib.exceptions import MwaalibError

if TYPE_CHECKING:
    from mwaalib.hooks._client import Client

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


class AwsGenericHook(BaseHook):
    """Talks to one AWS service with the credentials of an Airflow connection.

    Building a hook makes no call and loads nothing; the session is made when it is first used.

    :param aws_conn_id: Airflow connection; None or empty means the default credential chain.
    :param verify: Whether to check certificates, or the path of a CA file.
    :param region_name: Region; None means that of the connection, then of the environment.
    :param client_type: Service, by boto3's name (`emr`, `stepfunctions`, `glue`, `ssm`, `logs`, …).
    :param resource_type: Not supported: mwaalib has no boto3 resources.
    :param config: Options as of a botocore client, as dict: retries, time-outs, proxies.
    """

    conn_name_attr = "aws_conn_id"
    default_conn_name = connection.DEFAULT_CONN_ID
    conn_type = "aws"
    hook_name = "Amazon Web Services"

    def __init__(
        self,
        aws_conn_id: str | None = default_conn_name,
        verify: bool | str | None = None,
        region_name: str | None = None,
        client_type: str | None = None,
        resource_type: str | None = None,
        config: Any = None,
    ) -> None:
        super().__init__()
        if resource_type is not None:
            raise ValueError(
                f"mwaalib has no boto3 resources (resource_type={resource_type!r}), use client_type"
            )
        # The session reaches S3 for scripts and logs, but offers none of its operations.
        clients = [name for name in connection.SERVICES if name != "s3"]
        if client_type is not None and client_type not in clients:
            raise ValueError(f"mwaalib has no client for {client_type!r}, only for {', '.join(clients)}")
        self.aws_conn_id = aws_conn_id
        self.client_type = client_type
        self.resource_type = resource_type
        self._region_name = region_name
        self._verify = verify
        self._config = config

    @cached_property
    def settings(self) -> str:
        """The settings of the session, as JSON; holds secrets."""
        return connection.resolve(
            self.aws_conn_id,
            region_name=self._region_name,
            verify=self._verify,
            config=self._config,
            service=self.client_type,
        )

    @cached_property
    def session(self) -> Any:
        """The native session."""
        return _native.session(self.settings)

    @property
    def service_name(self) -> str:
        """The service's name in boto3."""
        if not self.client_type:
            raise ValueError("client_type must be given")
        return self.client_type

    @cached_property
    def conn(self) -> Client:
        """A client in the shape of boto3's."""
        return self.client(self.service_name)

    def client(self, service: str) -> Client:
        """Return a client of any service that mwaalib knows, with this hook's session.

        :param service: boto3's name of the service.
        """
        return _client(self.session, connection.SERVICES[service])

    def get_conn(self) -> Client:
        """Return the client (the same as `conn`)."""
        return self.conn

    @property
    def region_name(self) -> str | None:
        """The region that the hook or its connection sets, if any."""
        return json.loads(self.settings).get("region")

    @property
    def conn_region_name(self) -> str | None:
        """The region that calls go to."""
        return self.session.region

    @property
    def conn_partition(self) -> str:
        """The partition of that region, as `aws` or `aws-cn`."""
        region = self.conn_region_name or ""
        return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")

    @property
    def verify(self) -> bool | str | None:
        """Whether certificates are checked, or the CA file they are checked with."""
        return json.loads(self.settings).get("verify")

    @property
    def config(self) -> dict[str, Any] | None:
        """The client options given to the hook."""
        return self._config

    @cached_property
    def account_id(self) -> str:
        """The AWS account of the credentials (STS GetCallerIdentity)."""
        return self.client("sts").call("GetCallerIdentity", {})["Account"]

    def expand_role(self, role: str, region_name: str | None = None) -> str:
        """Return the ARN of a role given by name or ARN (IAM GetRole).

        :param role: Name or ARN; an ARN is returned as it is.
        :param region_name: Unused, IAM is global.
        """
        if "/" in role:
            return role
        return self.client("iam").call("GetRole", {"RoleName": role})["Role"]["Arn"]

    def wait(
        self,
        kind: str,
        ids: list[str],
        *,
        parent: str | None = None,
        delay: float = 30,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Wait for jobs of AWS to end well.

        :param kind: Kind of job, as `emr_step`.
        :param ids: Ids of the jobs.
        :param parent: What the ids belong to: the cluster of steps, the name of a Glue job.
        :param delay: Seconds between looks.
        :param timeout: Seconds until the wait gives up; None waits without end.
        :return: One dict per id with `id`, `state` and `detail`.
        :raises JobFailedError: when a job failed, with its cause.
        :raises WaitTimeoutError: when the time is over.
        """
        from mwaalib.job import Wait

        wait = Wait(kind=kind, ids=list(ids), parent=parent, delay=delay).within(timeout)
        return wait.block(self.session, self.log)

    def test_connection(self) -> tuple[bool, str]:
        """Check the connection by asking AWS whose credentials these are (STS GetCallerIdentity)."""
        settings = json.loads(self.settings)
        # The connection's address is where its services are, which need not include STS.
        settings.pop("endpoint_url", None)
        try:
            reply = _client(_native.session(json.dumps(settings)), "sts").call("GetCallerIdentity", {})
        except MwaalibError as error:
            return False, str(error)
        return True, f"{reply.get('Arn')} in {self.conn_region_name}"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the connection form looks."""
        return {
            "hidden_fields": ["host", "schema", "port"],
            "relabeling": {"login": "AWS Access Key ID", "password": "AWS Secret Access Key"},
            "placeholders": {
                "login": "YOUR_AWS_ACCESS_KEY_ID",
                "password": "YOUR_AWS_SECRET_ACCESS_KEY",
                "extra": _json.dumps(
                    {"region_name": "us-east-1", "role_arn": "arn:aws:iam::123456789098:role/name"}
                ),
            },
        }


class AwsBaseHook(AwsGenericHook):
    """Base of the hooks, under the name users derive theirs from. See `AwsGenericHook`."""


def _client(session: Any, service: str) -> Client:
    # Not with the operators: a DAG file is parsed every few seconds and calls nothing.
    from mwaalib.hooks._client import Client

    return Client(session, service)
