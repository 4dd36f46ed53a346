"""A client in the shape of boto3's, over a native session."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NoReturn

from mwaalib import _json, _native, connection
from mwaalib.exceptions import AwsError, RequestValidationError, aws_error_code
from mwaalib.hooks._pages import Paginator
from mwaalib.hooks._times import TIMES

log = logging.getLogger(__name__)


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
        operation = "".join(part.capitalize() for part in name.split("_"))

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
        body = _json.dumps(request)
        if connection.unknown_parameters() == "warn":
            try:
                _native.core().validate(self._service, operation, body)
            except RequestValidationError as error:
                log.warning("%s", error)
        reply = _json.loads(self._session.call(self._service, operation, body) or "{}")
        reply = _with_times(reply, TIMES.get(self._service, frozenset()))
        reply.setdefault("ResponseMetadata", {"HTTPStatusCode": 200})
        return reply

    def get_paginator(self, name: str) -> Paginator:
        """Return a paginator of one of the operations that answer in pages."""
        return Paginator(getattr(self, name), self._service)

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


class Exceptions:
    """Error classes by code, as `client.exceptions.EntityNotFoundException`."""

    ClientError = AwsError

    def __getattr__(self, code: str) -> type[AwsError]:
        if code.startswith("_"):
            raise AttributeError(code)
        return aws_error_code(code)
