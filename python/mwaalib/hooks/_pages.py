"""Pages of operations that answer in pages, in the shape of boto3's paginators."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

# Members by which AWS names the next page, in replies and in requests.
_TOKENS = ("Marker", "NextToken", "nextToken")
# The member that limits a page, by service; EMR has none.
_LIMITS = {"sfn": "maxResults", "glue": "MaxResults", "ssm": "MaxResults", "logs": "limit"}
# What a token of AWS is called in a request, by service.
_INPUTS = {"emr": "Marker", "sfn": "nextToken", "logs": "nextToken"}
_SKIP = "boto_truncate_amount"  # botocore's name, so that its tokens are understood
_OPTIONS = {"MaxItems", "PageSize", "StartingToken"}

Method = Callable[..., dict[str, Any]]


class Paginator:
    """Walks the pages of one operation.

    :param method: Makes one call.
    :param service: Service name in the core, as `emr`.
    """

    def __init__(self, method: Method, service: str) -> None:
        self._method = method
        self._service = service

    def paginate(self, **request: Any) -> Pages:
        """Return the pages.

        :param request: Members of the request, and `PaginationConfig` as of boto3: `MaxItems`, `PageSize`
            and `StartingToken`.
        """
        config = dict(request.pop("PaginationConfig", None) or {})
        unknown = set(config) - _OPTIONS
        if unknown:
            raise ValueError(f"PaginationConfig: unknown {', '.join(sorted(unknown))}")
        if config.get("PageSize") is not None:
            if self._service not in _LIMITS:
                raise ValueError(f"PaginationConfig: {self._service} has no PageSize")
            request[_LIMITS[self._service]] = int(config["PageSize"])
        start = config.get("StartingToken")
        if start:
            start = _decoded(start) or {_INPUTS.get(self._service, "NextToken"): start}
        return Pages(self._method, request, config.get("MaxItems"), start or {})


class Pages:
    """The replies of one operation, page after page, until AWS names no further one.

    :param method: Makes one call.
    :param request: Members of the request.
    :param most: Entries after which to stop; None means all.
    :param start: Members of the request that lead to the first page, and how much of it to skip.
    """

    def __init__(self, method: Method, request: dict[str, Any], most: Any, start: dict[str, Any]) -> None:
        self._method = method
        self._request = request
        self._most = None if most is None else int(most)
        self._start = start
        self.resume_token: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        request, left = {**self._request, **self._start}, self._most
        skip = request.pop(_SKIP, 0)
        while True:
            reply = self._method(**request)
            token = next(((name, reply[name]) for name in _TOKENS if reply.get(name)), None)
            name = next((name for name, value in reply.items() if isinstance(value, list)), None)
            entries = reply[name] if name else []
            kept = entries[skip:] if left is None else entries[skip : skip + left]
            if name and len(kept) != len(entries):
                reply = {**reply, name: kept}
            if left is not None and skip + left < len(entries):
                page = {key: request[key] for key in _TOKENS if key in request}
                self.resume_token = _encoded({**page, _SKIP: skip + left})
                yield reply
                return
            left = None if left is None else left - len(kept)
            if left == 0 and token:
                self.resume_token = _encoded({token[0]: token[1]})
            yield reply
            if token is None or left == 0:
                return
            skip = 0
            request[token[0]] = token[1]

    def search(self, expression: str) -> Iterator[Any]:
        """Yield what a JMESPath expression finds in each page.

        :param expression: The expression, as `Clusters[].Id`. Needs the package jmespath.
        """
        import jmespath  # type: ignore[import-untyped]

        compiled = jmespath.compile(expression)
        for page in self:
            found = compiled.search(page)
            if isinstance(found, list):
                yield from found
            else:
                yield found

    def build_full_result(self) -> dict[str, Any]:
        """Return all pages as one: their lists joined, and `NextToken` where `MaxItems` ended the walk."""
        whole: dict[str, Any] = {}
        for page in self:
            for name, value in page.items():
                if name == "ResponseMetadata" or name in _TOKENS:
                    continue
                if isinstance(value, list) and name in whole:
                    whole[name] = whole[name] + value
                else:
                    whole.setdefault(name, value)
        if self.resume_token:
            whole["NextToken"] = self.resume_token
        return whole


def _encoded(position: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(position).encode()).decode()


def _decoded(token: str) -> dict[str, Any] | None:
    """Return the position in a token of ours or of botocore, or None for one of AWS."""
    try:
        position = json.loads(base64.b64decode(token, validate=True))
    except ValueError:
        return None
    known = {*_TOKENS, _SKIP}
    return position if isinstance(position, dict) and position and set(position) <= known else None
