"""Every error of mwaalib.

All derive from `MwaalibError`, which is an `AirflowException`. All pickle, and all have a JSON form
(`to_dict`, `from_dict`) in which they travel from the native core and out of the triggerer. Where a DAG has
imported botocore, an error of AWS is also botocore's `ClientError`.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, ClassVar

from mwaalib.compat import AirflowException, AirflowNotFoundException, AirflowSensorTimeout


class MwaalibError(AirflowException):
    """Base of every error of mwaalib.

    :param message: What went wrong, complete enough to act on.
    """

    fields: ClassVar[tuple[str, ...]] = ("message",)

    def __init__(self, message: str = "", **fields: Any) -> None:
        unknown = set(fields) - set(self.fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name in self.fields:
            if name != "message":
                setattr(self, name, fields.get(name))
        self.message = message
        # Not the next class: that may be botocore's, which wants other arguments.
        Exception.__init__(self, str(self))

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: `type` and the fields."""
        return {"type": _type_name(type(self)), **{name: getattr(self, name) for name in self.fields}}

    def __reduce__(self) -> tuple[Any, ...]:
        return (from_dict, (self.to_dict(),))


class AwsError(MwaalibError):
    """AWS refused a call, or could not be reached.

    :param service: Service name, as `emr`.
    :param operation: API name, as `RunJobFlow`.
    :param code: Error code of AWS, as `ThrottlingException`.
    :param message: Message of AWS.
    :param request_id: Request id for AWS support, where AWS gave one.
    :param status: HTTP status, where there was a reply.
    """

    fields = ("service", "operation", "code", "message", "request_id", "status", "class_")
    service: str | None
    operation: str | None
    code: str | None
    request_id: str | None
    status: int | None
    class_: str | None

    def __str__(self) -> str:
        request = f" (request id {self.request_id})" if self.request_id else ""
        return f"{self.service} {self.operation}: {self.code}: {self.message}{request}"

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        data["class"] = data.pop("class_")
        return data

    @property
    def operation_name(self) -> str | None:
        """The API name, under botocore's name for it."""
        return self.operation

    @property
    def response(self) -> dict[str, Any]:
        """The error as botocore's `ClientError.response` shows it."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"RequestId": self.request_id, "HTTPStatusCode": self.status},
        }


class AwsNotFoundError(AwsError):
    """What the call names does not exist."""


class AwsAccessDeniedError(AwsError):
    """The credentials do not allow the call."""


class AwsThrottlingError(AwsError):
    """AWS kept refusing the call because of its rate."""


class RequestValidationError(MwaalibError):
    """A request was refused before it was sent.

    :param operation: API name, as `RunJobFlow`.
    :param path: Where in the request, as `RunJobFlow.Instances.InstanceGroups[0]`.
    :param message: What is wrong there.
    """

    fields = ("operation", "path", "message")
    operation: str | None
    path: str | None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConnectionSettingsError(MwaalibError):
    """An Airflow connection, or what overrides it, cannot be used as it is written."""


class ConnectionNotFoundError(ConnectionSettingsError, AirflowNotFoundException):
    """A connection was named that does not exist."""


class CredentialsError(MwaalibError):
    """No credentials were found, or they could not be fetched."""


class JobFailedError(MwaalibError):
    """A job ended in a state of failure.

    :param kind: Kind of job, as `emr_step`.
    :param id: Its id at AWS.
    :param state: The state in which it ended.
    :param reason: The reason AWS gives.
    :param cause: The cause dug out of the service, as the tail of the step's stderr.
    :param logs: Where the logs lie.
    :param console_url: The job's page in the AWS console.
    :param detail: The service's own description of the job.
    """

    fields = ("kind", "id", "state", "reason", "cause", "logs", "console_url", "detail")
    kind: str | None
    id: str | None
    state: str | None
    reason: str | None
    cause: str | None
    logs: str | None
    console_url: str | None
    detail: Any

    def __str__(self) -> str:
        text = f"{self.kind} {self.id} ended as {self.state}"
        if self.reason:
            text += f": {self.reason}"
        for label, value in (("cause", self.cause), ("logs", self.logs), ("console", self.console_url)):
            if value:
                text += f"\n{label}: {value}"
        return text


class UnknownStateError(MwaalibError):
    """A job is in a state that this version of mwaalib does not know."""

    fields = ("kind", "id", "state")
    kind: str | None
    id: str | None
    state: str | None

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.id} is in state {self.state!r}, which this version of mwaalib does not know"
        )


class WaitTimeoutError(MwaalibError):
    """A job did not end before its deadline.

    :param kind: Kind of job.
    :param ids: The ids that were waited for.
    :param states: The states last seen.
    :param detail: What kept the wait from seeing more, if anything did.
    """

    fields = ("kind", "ids", "states", "detail")
    kind: str | None
    ids: list[str] | None
    states: list[str] | None
    detail: str | None

    def __str__(self) -> str:
        ids, states = ", ".join(self.ids or ()), ", ".join(self.states or ())
        return f"{self.kind} {ids} did not end before the deadline (last seen: {states}){self.detail or ''}"


class SensorTimeoutError(WaitTimeoutError, AirflowSensorTimeout):
    """A sensor's job did not reach the wanted state in time."""


class WaitCancelledError(MwaalibError):
    """The wait was cancelled."""

    def __str__(self) -> str:
        return self.message or "the wait was cancelled"


class InternalError(MwaalibError):
    """A defect of mwaalib itself."""


_TYPES: dict[str, type[MwaalibError]] = {
    cls.__name__: cls
    for cls in (
        MwaalibError, AwsError, AwsNotFoundError, AwsAccessDeniedError, AwsThrottlingError,
        RequestValidationError, ConnectionSettingsError, ConnectionNotFoundError, CredentialsError,
        JobFailedError, UnknownStateError, WaitTimeoutError, SensorTimeoutError, WaitCancelledError,
        InternalError,
    )
}  # fmt: skip

_AWS_CLASSES: dict[str, type[AwsError]] = {
    "NotFound": AwsNotFoundError,
    "AccessDenied": AwsAccessDeniedError,
    "Throttled": AwsThrottlingError,
}


@cache
def aws_error_code(code: str) -> type[AwsError]:
    """Return the class of all AWS errors with one code, to be named in an `except` clause.

    :param code: Error code of AWS, as `EntityNotFoundException`.
    """
    return type(code, (AwsError,), {"__module__": __name__, "code_class": True})


@cache
def _aws_error_class(code: str, class_: str | None, foreign: Any) -> type[AwsError]:
    """Return the class an AWS error is raised as: by its code, by what a caller may do about it, and
    as what code written for boto3 catches."""
    general = _AWS_CLASSES.get(class_ or "", AwsError)
    bases: list[Any] = [general]
    if code.isidentifier():
        named = aws_error_code(code)
        bases = [named] if general is AwsError else [named, general]
    if foreign is not None:
        bases.append(foreign)
    if len(bases) == 1:
        return bases[0]
    name = code if code.isidentifier() else general.__name__
    return type(name, tuple(bases), {"__module__": __name__, "code_class": True})


def _client_error() -> Any:
    """Return botocore's `ClientError`, if anybody has imported it: nobody else can catch it."""
    return getattr(sys.modules.get("botocore.exceptions"), "ClientError", None)


def _type_name(cls: type[MwaalibError]) -> str:
    return next(known.__name__ for known in cls.__mro__ if not known.__dict__.get("code_class"))


def from_dict(data: dict[str, Any]) -> MwaalibError:
    """Build the error that `to_dict` or the native core described.

    :param data: `type` and the fields of that type; what is unknown is kept in the message.
    """
    fields = dict(data)
    name = str(fields.pop("type", "MwaalibError"))
    cls = _TYPES.get(name, MwaalibError)
    if issubclass(cls, AwsError):
        class_ = fields.pop("class", None) or fields.pop("class_", None)
        class_ = class_ or next((key for key, known in _AWS_CLASSES.items() if known is cls), None)
        cls = _aws_error_class(str(fields.get("code")), class_, _client_error())
        fields["class_"] = class_
    message = fields.pop("message", None) or ""
    unknown = {key: fields.pop(key) for key in set(fields) - set(cls.fields)}
    if name not in _TYPES or unknown:
        message = f"{message} {name} {unknown}".strip()
    return cls(message, **fields)
