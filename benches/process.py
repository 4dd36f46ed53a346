"""Processes under measurement: started with the same environment for both sides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benches.endpoint import REGION, Endpoint
from benches.jobs import Job

ROOT = Path(__file__).resolve().parent.parent
ROLE = "arn:aws:iam::123456789012:role/bench"


def environment(endpoint: Endpoint | None, role: bool = False) -> dict[str, str]:
    """Return the environment of a measured process: one `aws` connection, bytecode allowed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AIRFLOW"))}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env |= {
        "AIRFLOW_HOME": str(Path(os.environ.get("TMPDIR", "/tmp")) / "mwaalib-bench-airflow"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    if endpoint is not None:
        extra: dict[str, Any] = {"region_name": REGION, "endpoint_url": endpoint.url}
        if role:
            extra["role_arn"] = ROLE
            # The incumbent asks the public STS unless told so for this service.
            extra["service_config"] = {"sts": {"endpoint_url": endpoint.url}}
        connection = {"conn_type": "aws", "login": "AKIASTUB", "password": "stub", "extra": extra}
        env["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(connection)
    return env


class Triggerer:
    """A child that runs `benches.triggerer` for one side."""

    def __init__(
        self,
        side: str,
        endpoint: Endpoint,
        jobs: Sequence[Job],
        delay: int = 60,
        role: bool = False,
        cold: bool = False,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benches.triggerer"],
            env=environment(endpoint, role),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Both sides log each state change; neither is made to wait for a terminal.
            stderr=subprocess.DEVNULL,
            text=True,
        )
        options = {
            "side": side,
            "delay": delay,
            "cold": cold,
            "jobs": [[j.kind, j.parent, j.id] for j in jobs],
        }
        self.started: dict[str, float] = self._ask(json.dumps(options))

    def _ask(self, line: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            raise SystemExit(f"the measured process ended with code {self.process.wait()}")
        return json.loads(reply)

    def measure(self, seconds: float) -> dict[str, float]:
        """Return the CPU used in `seconds` of waiting."""
        reply: dict[str, float] = self._ask(f"measure {seconds}")
        return reply

    def expect(self) -> None:
        """Let waits end; an event before that is a broken wait, and ends the process."""
        self._ask("expect 0")

    def events(self, seconds: float) -> dict[str, list[Any]]:
        """Return each trigger's event with the time it came."""
        reply: dict[str, list[Any]] = self._ask(f"events {seconds}")
        return reply

    def __enter__(self) -> Triggerer:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def script(code: str, endpoint: Endpoint | None = None) -> dict[str, float]:
    """Run `code` in a fresh interpreter and return the JSON object it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(endpoint),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures
