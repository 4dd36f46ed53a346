"""The stub AWS endpoint (`benches/stub`), started and driven."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"


def binary() -> Path:
    """Return the built stub, where `make bench` leaves it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    triple = os.environ.get("CARGO_BUILD_TARGET", "")
    path = target / triple / "release" / "mwaalib-stub"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run `make bench`, which builds it")
    return path


class Endpoint:
    """A running stub; one for each measurement, so that counts never mix."""

    def __enter__(self) -> Endpoint:
        self.process = subprocess.Popen([binary()], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(" ", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _post(self, route: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self.url + route, data=json.dumps(body or {}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def register(self, kind: str, parent: str, ids: list[str], state: str) -> None:
        """Make jobs of one parent known, oldest first."""
        self._post("/register", {"kind": kind, "parent": parent, "ids": ids, "state": state})

    def change(self, kind: str, parent: str, state: str, seconds: float = 0.0) -> dict[str, float]:
        """Move all jobs of a parent to a state, evenly over `seconds`; return the time of each."""
        times: dict[str, float] = self._post(
            "/set", {"kind": kind, "parent": parent, "state": state, "seconds": seconds}
        )
        return times

    def calls(self) -> dict[str, int]:
        """Return how often each operation was called since the last reset."""
        counts: dict[str, int] = self._post("/stats")
        return counts

    def reset(self) -> None:
        """Set every count to zero."""
        self._post("/reset")
