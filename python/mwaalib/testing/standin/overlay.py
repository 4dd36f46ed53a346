"""Operations that moto does not implement, added in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Operation = Callable[["Request"], Any]


@dataclass(frozen=True)
class Request:
    """What an added operation sees.

    :param body: the request's members (for REST, those of the path and query too).
    """

    account: str
    region: str
    body: dict[str, Any]


class Overlay:
    """Added operations by (service, operation)."""

    def __init__(self) -> None:
        self._operations: dict[tuple[str, str], Operation] = {}

    def add(self, service: str, operation: str, function: Operation) -> None:
        """Serve an operation by a function of the request that returns a JSON object."""
        self._operations[service, operation] = function

    def find(self, service: str, operation: str) -> Operation | None:
        """Return the function that serves an operation, if one was added."""
        return self._operations.get((service, operation))

    def names(self) -> list[str]:
        """Return the added operations as ``service:Operation``, sorted."""
        return sorted(f"{service}:{operation}" for service, operation in self._operations)
