"""A client in the shape of boto3's, over a native session."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any, NoReturn

from mwaalib import _json
from mwaalib.exceptions import AwsError, aws_error_code

# Operations whose API name does not follow from boto3's name word by word.
_NAMES = {"get_ml_transform": "GetMLTransform", "get_ml_transforms": "GetMLTransforms"}
# Members of replies that are times, by service: AWS sends numbers, boto3 gives datetimes.
TIMES: dict[str, frozenset[str]] = {
    "emr": frozenset({"CreationDateTime", "EndDateTime", "ReadyDateTime", "StartDateTime"}),
    "sfn": frozenset({"creationDate", "redriveDate", "startDate", "stopDate", "timestamp"}),
    "glue": frozenset(
        {
            "CompletedOn", "CreatedOn", "CreationTime", "EndTime", "LastModifiedOn", "LastUpdated",
            "StartTime", "StartedOn", "StartingTimestamp",
        }
    ),
    "ssm": frozenset(
        {
            "ExpiresAfter", "LastModifiedDate", "RequestedDateTime", "ResponseFinishDateTime",
            "ResponseStartDateTime",
        }
    ),
}  # fmt: skip
_TOKENS = ("Marker", "NextToken", "nextToken")


class Client:
    """Calls any operation of one AWS service by boto3's method name.

    Requests are checked against the service's model before they are sent. Replies are as boto3 gives
    them, times as datetimes in UTC.

    :param session: Native session.
    :param service: Service name in the core, as `emr`.
    """

    def __init__(self, session: Any, service: str) -> None:
        self._session = session
        self._service = service
        self.exceptions = Exceptions()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        operation = _NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))

        def method(**request: Any) -> dict[str, Any]:
            return self.call(operation, request)

        method.__name__ = name
        return method

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Make one call.

        :param operation: API name, as `DescribeCluster`.
        :param request: Members of the request as AWS names them.
        :return: The reply's members, with `ResponseMetadata` as boto3 has it.
        :raises RequestValidationError: for a member that the operation does not have, before it is sent.
        :raises AwsError: when AWS refuses.
        """
        reply = _json.loads(self._session.call(self._service, operation, _json.dumps(request)) or "{}")
        reply = _with_times(reply, TIMES.get(self._service, frozenset()))
        reply.setdefault("ResponseMetadata", {"HTTPStatusCode": 200})
        return reply

    def get_paginator(self, name: str) -> Paginator:
        """Return a paginator of one of the operations that answer in pages."""
        return Paginator(getattr(self, name))

    def can_paginate(self, name: str) -> bool:
        """Return whether the operation answers in pages: those that list or get many do."""
        return bool(re.match(r"(list|get|describe)_\w*s$", name))

    def get_waiter(self, name: str) -> NoReturn:
        """Refuse: waits go through the hook's `wait`, which needs no waiter."""
        raise AttributeError(f"mwaalib has no waiters: use the hook's wait() instead of get_waiter({name!r})")


def _with_times(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: datetime.fromtimestamp(item, timezone.utc)
            if key in names and isinstance(item, (int, float))
            else _with_times(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_with_times(item, names) for item in value]
    return value


class Paginator:
    """Walks the pages of one operation."""

    def __init__(self, method: Callable[..., dict[str, Any]]) -> None:
        self._method = method

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield one reply after another until AWS names no further page."""
        request.pop("PaginationConfig", None)
        while True:
            reply = self._method(**request)
            yield reply
            token = next(((name, reply[name]) for name in _TOKENS if reply.get(name)), None)
            if token is None:
                return
            request[token[0]] = token[1]


class Exceptions:
    """Error classes by code, as `client.exceptions.EntityNotFoundException`."""

    ClientError = AwsError

    def __getattr__(self, code: str) -> type[AwsError]:
        if code.startswith("_"):
            raise AttributeError(code)
        return aws_error_code(code)
