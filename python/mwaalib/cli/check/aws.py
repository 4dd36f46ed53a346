"""Calls to AWS for the checks.

boto3 rather than the native core: most of what is asked here (CloudFormation, IAM, Lake Formation, MWAA) the
core does not have, and a check must be able to run where the native core cannot.
"""

from __future__ import annotations

import os
import threading
from typing import Any


class CheckError(Exception):
    """The checks cannot be run at all; the message says why and what to do."""


class CallError(Exception):
    """A call that AWS refused.

    :param call: what was called, as ``service:Operation``.
    :param code: error code of AWS, or the kind of the fault.
    :param message: AWS's words.
    :param status: HTTP status, 0 when there was no answer.
    """

    def __init__(self, call: str, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{call}: {code}: {message}")
        self.call, self.code, self.message, self.status = call, code, message, status

    @property
    def missing(self) -> bool:
        """Whether AWS says that the thing asked for does not exist."""
        if "does not exist" in self.message:
            return True
        known = ("NotFound", "NoSuchEntity", "NoSuchBucket", "NoSuchKey", "StateMachineDoesNotExist", "404")
        return any(part in self.code for part in known)

    @property
    def denied(self) -> bool:
        """Whether permission lacks."""
        return "AccessDenied" in self.code or "Unauthorized" in self.code or self.code == "403"

    def __str__(self) -> str:
        if self.denied:
            return f"you may not call {self.call}"
        return f"{self.call} answers {self.code}: {self.message}"


class Aws:
    """AWS as one profile and region see it. Thread-safe; clients are made at first use.

    :param profile: profile of the AWS configuration.
    :param region: AWS region.
    :raises CheckError: without boto3, that profile or a region, or if the AWS configuration cannot be read.
    """

    def __init__(self, profile: str | None, region: str | None) -> None:
        try:
            import boto3
            import botocore.config
            import botocore.exceptions
        except ImportError as error:
            raise CheckError(
                "mwaalib check needs boto3, which is not installed here: pip install boto3"
            ) from error
        self._errors = botocore.exceptions
        try:
            self._session = boto3.Session(
                profile_name=profile, region_name=region or os.environ.get("AWS_REGION")
            )
        except self._errors.ProfileNotFound as error:
            raise CheckError(f"{error}; see the profiles with: aws configure list-profiles") from error
        except self._errors.BotoCoreError as error:
            raise CheckError(f"the AWS configuration cannot be used: {_line(error)}") from error
        if self._session.region_name is None:
            raise CheckError("no AWS region is set: give --region, set AWS_REGION, or configure the profile")
        self._config = botocore.config.Config(
            connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"}
        )
        self._config_class = botocore.config.Config
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def region(self) -> str:
        """The region."""
        return str(self._session.region_name)

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                try:
                    self._clients[service] = self._made(service)
                except self._errors.PartialCredentialsError as error:
                    raise CheckError(f"{_line(error)}: set both keys, or name a --profile") from error
                except (self._errors.BotoCoreError, ValueError) as error:
                    remedy = "correct --region, the profile, or AWS_ENDPOINT_URL"
                    raise CheckError(
                        f"no client of {service} can be made: {_line(error)}: {remedy}"
                    ) from error
            return self._clients[service]

    def _made(self, service: str) -> Any:
        client = self._session.client(service, config=self._config)
        if ".amazonaws." in client.meta.endpoint_url or ".api.aws" in client.meta.endpoint_url:
            return client
        # At another address than AWS's own, names such as api.<host> are not to be had.
        plain = self._config.merge(self._config_class(inject_host_prefix=False))
        return self._session.client(service, config=plain)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation.

        :param service: boto3's name of the service.
        :param operation: boto3's name of the operation.
        :raises CallError: if AWS refuses or does not answer.
        :raises CheckError: without credentials.
        """
        client = self._client(service)
        name = f"{service}:{client.meta.method_to_api_mapping.get(operation, operation)}"
        try:
            return dict(getattr(client, operation)(**parameters))
        except self._errors.ClientError as error:
            answer = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code, message = str(answer.get("Code", status)), str(answer.get("Message", ""))
            raise CallError(name, code, message, status) from error
        except (self._errors.NoCredentialsError, self._errors.PartialCredentialsError) as error:
            raise CheckError(f"{error}: log in (aws sso login, aws configure) or name a --profile") from error
        except self._errors.BotoCoreError as error:
            raise CallError(name, type(error).__name__, str(error)) from error

    def pages(self, service: str, operation: str, member: str, **parameters: Any) -> list[Any]:
        """Call a listing operation until its last page and return the items."""
        found: list[Any] = []
        token: dict[str, Any] = {}
        while True:
            reply = self.call(service, operation, **parameters, **token)
            found += reply.get(member, [])
            if following := next((key for key in ("NextToken", "nextToken") if reply.get(key)), None):
                token = {following: reply[following]}
            elif reply.get("IsTruncated") and reply.get("Marker"):
                token = {"Marker": reply["Marker"]}
            else:
                return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
