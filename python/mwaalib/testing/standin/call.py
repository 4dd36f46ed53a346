"""Which AWS service and operation an HTTP request is for."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

#: Signing names that differ from the names boto3 gives the services.
_BOTO_NAMES = {"elasticmapreduce": "emr", "states": "stepfunctions", "airflow": "mwaa"}
_TARGET_SERVICES = {
    "ElasticMapReduce": "emr",
    "AWSGlue": "glue",
    "AWSStepFunctions": "stepfunctions",
    "AmazonSSM": "ssm",
    "Logs_20140328": "logs",
}


@dataclass(frozen=True)
class Call:
    """One request: boto3's service name, operation, region, the protocol it speaks, members of its path."""

    service: str
    operation: str
    region: str
    json: bool
    members: dict[str, Any] = field(default_factory=dict)


def identify(environ: dict[str, Any]) -> Call:
    """Tell which call a WSGI request makes.

    :param environ: the WSGI environment; its body can still be read afterwards.
    :return: the call; unknown parts are empty strings.
    """
    service, region = _credential_scope(environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        prefix, _, operation = target.rpartition(".")
        name = _TARGET_SERVICES.get(prefix.split(".")[0]) or _BOTO_NAMES.get(service, service)
        return Call(name, operation, region, json=True)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(read_body(environ).decode("utf-8", "replace"))
        if "Action" in form:
            return Call(_BOTO_NAMES.get(service, service), form["Action"][0], region, json=False)
    name = _BOTO_NAMES.get(service, service) or "s3"
    operation, members = _rest_operation(name, environ)
    return Call(name, operation, region, json=name != "s3", members=members)


def read_body(environ: dict[str, Any]) -> bytes:
    """Read a request's body and put it back for the next reader."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _credential_scope(authorization: str) -> tuple[str, str]:
    _, found, scope = authorization.partition("Credential=")
    parts = scope.split(",")[0].split("/")
    if found and len(parts) >= 5:
        return parts[3].lower(), parts[2]
    return "", "us-east-1"


def _rest_operation(service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    from moto.core.request import Request
    from moto.core.routing import get_service_router

    try:
        operation, members = get_service_router(service).match(Request(environ.copy()))
        return str(operation.name), dict(members)
    except Exception:  # a path that no operation has, or no such service
        return "", {}
