"""The stand-in's own routes under ``/mwaalib/``: readiness, faults, and states that tests want."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.call import read_body
from mwaalib.testing.standin.errors import AwsError, StartResponse, respond

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


class Admin:
    """Answers the routes.

    ============================== ==================================================
    ``GET /mwaalib/ready``         200 when the stand-in serves
    ``GET /mwaalib/calls``         number of calls by ``service:Operation``
    ``DELETE /mwaalib/calls``      the same, and begins to count anew
    ``GET /mwaalib/faults``        faults in force
    ``POST /mwaalib/faults``       puts a fault in force (fields of ``faults.Fault``)
    ``DELETE /mwaalib/faults``     clears them (``{"id": n}`` clears one)
    ``POST /mwaalib/state``        drives work into a state
    ``POST /mwaalib/sync``         carries changes between the buckets and Spark's directories
    ``POST /mwaalib/reset``        ends all work, forgets all resources, faults and counts
    ============================== ==================================================

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        name = environ["PATH_INFO"].removeprefix("/mwaalib/").strip("/")
        handler = getattr(self, f"_{method.lower()}_{name}", None)
        status: int = 200
        try:
            if handler is None:
                raise LookupError(f"no such route: {method} {environ['PATH_INFO']}")
            answer = handler(json.loads(read_body(environ) or b"{}"))
        except LookupError as error:
            status, answer = 404, {"error": str(error).strip("'\"")}
        except (ValueError, TypeError, AwsError) as error:
            status, answer = 400, {"error": str(error)}
        return respond(start_response, status, json.dumps(answer).encode(), "application/json")

    def _get_ready(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ready": True, "pid": os.getpid(), "endpoint": self._runtime.endpoint}

    def _get_calls(self, _: dict[str, Any]) -> dict[str, int]:
        return self._runtime.counts()

    def _delete_calls(self, _: dict[str, Any]) -> dict[str, int]:
        return self._runtime.counts(reset=True)

    def _get_faults(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return self._runtime.faults.list()

    def _post_faults(self, body: dict[str, Any]) -> dict[str, int]:
        return {"id": self._runtime.faults.add(**body).id}

    def _delete_faults(self, body: dict[str, Any]) -> dict[str, Any]:
        self._runtime.faults.clear(body.get("id"))
        return {}

    def _post_state(self, body: dict[str, Any]) -> dict[str, Any]:
        from mwaalib.testing.standin import drive

        drive.drive(self._runtime, **body)
        return {}

    def _post_sync(self, _: dict[str, Any]) -> dict[str, Any]:
        self._runtime.mirror.sync()
        return {}

    def _post_reset(self, _: dict[str, Any]) -> dict[str, Any]:
        self._runtime.reset()
        return {}
