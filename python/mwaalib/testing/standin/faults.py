"""Faults on order: throttling, server errors, delays and dropped connections."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from mwaalib.testing.standin.call import Call
from mwaalib.testing.standin.errors import AwsError

_THROTTLE_MESSAGE = "Rate exceeded"


@dataclass
class Fault:
    """A fault that some of the next calls meet.

    :param service: boto3 service name, ``*`` for all.
    :param operation: operation name, ``*`` for all.
    :param kind: ``throttle``, ``error``, ``delay`` or ``drop`` (close without an answer).
    :param times: how many calls meet it; None for all until it is cleared.
    :param skip: how many matching calls pass first.
    :param code: error code for kind ``error``.
    :param message: error message.
    :param status: HTTP status for kind ``error``.
    :param seconds: how long kind ``delay`` waits before the call goes on.
    """

    service: str = "*"
    operation: str = "*"
    kind: str = "error"
    times: int | None = 1
    skip: int = 0
    code: str = "InternalFailure"
    message: str = "injected by the stand-in"
    status: int = 500
    seconds: float = 0.0
    id: int = 0
    hits: int = 0

    def matches(self, call: Call) -> bool:
        """Tell whether a call is one this fault is for."""
        return self.service in ("*", call.service) and self.operation in ("*", call.operation)


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Faults:
    """The faults now in force."""

    KINDS = ("throttle", "error", "delay", "drop")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, **fields: Any) -> Fault:
        """Put a fault in force.

        :raises ValueError: an unknown kind or field.
        """
        try:
            fault = Fault(**fields)
        except TypeError as error:
            raise ValueError(str(error)) from None
        if fault.kind not in self.KINDS:
            raise ValueError(f"kind must be one of {', '.join(self.KINDS)}, not {fault.kind!r}")
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Remove one fault, or all."""
        with self._lock:
            self._faults = [f for f in self._faults if fault_id is not None and f.id != fault_id]

    def list(self) -> list[dict[str, Any]]:
        """Return the faults in force, with how often each was met."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def meet(self, call: Call) -> None:
        """Let a call meet the first fault that is for it.

        :raises AwsError: the fault answers in the service's place.
        :raises Dropped: the connection is to be closed.
        """
        with self._lock:
            fault = next((f for f in self._faults if f.matches(call)), None)
            if fault is None:
                return
            if fault.skip > 0:
                fault.skip -= 1
                return
            fault.hits += 1
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault.kind == "drop":
            raise Dropped
        elif fault.kind == "throttle":
            code = "SlowDown" if call.service == "s3" else "ThrottlingException"
            raise AwsError(code, _THROTTLE_MESSAGE, 503 if call.service == "s3" else 400)
        else:
            raise AwsError(fault.code, fault.message, fault.status)
