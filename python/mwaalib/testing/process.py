"""Starts the AWS stand-in as a process of its own, and talks to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

REGION = "us-east-1"


class StandInError(RuntimeError):
    """The stand-in did not start, or refused a request."""


class StandIn:
    """A running AWS stand-in.

    :param endpoint: its address, such as ``http://127.0.0.1:5055``.
    :param process: the process to stop with it, when this object started it.
    :param log: file that holds what the process writes.
    """

    def __init__(
        self, endpoint: str, process: subprocess.Popen[bytes] | None = None, log: Path | None = None
    ) -> None:
        self.endpoint = endpoint
        self.process = process
        self.log = log
        self._clients: dict[str, Any] = {}

    @classmethod
    def start(
        cls,
        state_dir: Path,
        port: int = 0,
        time_scale: float = 1.0,
        python: str | None = None,
        timeout: float = 60.0,
        server_python: str | None = None,
    ) -> StandIn:
        """Start a stand-in and wait until it answers.

        :param state_dir: directory for its work.
        :param port: port on 127.0.0.1; 0 takes a free one.
        :param time_scale: factor on the length of every phase.
        :param python: interpreter with PySpark; this one when None.
        :param timeout: seconds to wait for it.
        :param server_python: interpreter that runs the stand-in, with mwaalib and moto installed in it; by
            default ``$MWAALIB_SERVER_PYTHON``, or else this one.
        :raises StandInError: it cannot be run, ended, or did not answer in time.
        """
        state_dir.mkdir(parents=True, exist_ok=True)
        ready = state_dir / "standin.json"
        ready.unlink(missing_ok=True)
        log = state_dir / "standin.log"
        server_python = server_python or os.environ.get("MWAALIB_SERVER_PYTHON") or sys.executable
        command = [server_python, "-m", "mwaalib.testing.standin", "--port", str(port)]
        command += ["--state-dir", str(state_dir), "--time-scale", str(time_scale)]
        if python:
            command += ["--python", python]
        with log.open("ab") as output:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=_server_environment(own=server_python == sys.executable),
                    start_new_session=True,
                )
            except OSError as error:
                raise StandInError(f"the AWS stand-in cannot be run: {error}") from error
        until = time.monotonic() + timeout
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                process.wait()
                raise StandInError(
                    f"the AWS stand-in did not start: {log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        standin = cls(json.loads(ready.read_text())["endpoint"], process, log)
        standin.request("GET", "ready")
        return standin

    def stop(self) -> None:
        """Stop the process and with it all work it runs."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point AWS clients at the stand-in."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Amazon MWAA's clients would look for the host api.127.0.0.1.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            **_no_proxy(),
        }

    def connection(self) -> str:
        """Return an Airflow connection to the stand-in, as JSON for ``AIRFLOW_CONN_…``."""
        extra = {"region_name": REGION, "endpoint_url": self.endpoint}
        return json.dumps({"conn_type": "aws", "login": "testing", "password": "testing", "extra": extra})

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of the stand-in that does not retry, the same one each time.

        :param service: boto3's service name.
        :param options: further arguments of ``boto3.client``; they give a new client.
        """
        import boto3
        from botocore.config import Config

        defaults: dict[str, Any] = {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
            "config": Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
        }
        if options:
            return boto3.session.Session().client(service, **{**defaults, **options})
        if service not in self._clients:
            self._clients[service] = boto3.session.Session().client(service, **defaults)
        return self._clients[service]

    def fault(self, service: str = "*", operation: str = "*", kind: str = "error", **fields: Any) -> int:
        """Let the next calls meet a fault.

        :param service: boto3 service name, ``*`` for all.
        :param operation: operation name, ``*`` for all.
        :param kind: ``throttle``, ``error`` (``code``, ``message``, ``status``), ``delay``
            (``seconds``) or ``drop``.
        :param fields: also ``times`` (1; None until cleared) and ``skip`` (0).
        :return: the fault's id.
        """
        body = {"service": service, "operation": operation, "kind": kind, **fields}
        return int(self.request("POST", "faults", body)["id"])

    def clear_faults(self) -> None:
        """Clear all faults."""
        self.request("DELETE", "faults")

    def calls(self, reset: bool = False) -> dict[str, int]:
        """Return how many calls each ``service:Operation`` got since the start or the last reset."""
        counts: dict[str, int] = self.request("DELETE" if reset else "GET", "calls")
        return counts

    def drive(self, kind: str, id: str, state: str, **fields: Any) -> None:
        """Put a piece of work into a state, which it then keeps.

        :param kind: ``emr_job_flow``, ``emr_step`` (with ``parent``, the cluster id), ``glue_job_run``,
            ``glue_crawler`` or ``sfn_execution`` (with ``error``, ``message``, ``output``).
        :param id: its id, name or ARN.
        :param state: the state, in the service's words.
        :param fields: also ``message``, the reason of a failure.
        """
        self.request("POST", "state", {"kind": kind, "id": id, "state": state, **fields})

    def reset(self) -> None:
        """End all work and forget all resources, faults and counts."""
        self.request("POST", "reset")

    def request(self, method: str, route: str, body: dict[str, Any] | None = None) -> Any:
        """Call one of the stand-in's own routes.

        :raises StandInError: it answered with an error.
        """
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.endpoint}/mwaalib/{route}", data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise StandInError(f"{method} {route}: {error.read().decode(errors='replace')}") from None


def _server_environment(own: bool) -> dict[str, str]:
    """Return the environment of the server's process: nothing of the user's AWS, no proxy to itself.

    :param own: whether this interpreter runs it, with the mwaalib of this process, wherever that came from.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    if own:
        path = [str(Path(__file__).parents[2]), kept.get("PYTHONPATH", "")]
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    else:  # our packages are not for another interpreter
        for name in ("PYTHONPATH", "PYTHONHOME"):
            kept.pop(name, None)
    return kept | _no_proxy()


def _no_proxy() -> dict[str, str]:
    """Return variables that keep calls to the loopback interface from a proxy."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host for host in given.split(",") if host.strip()]
    value = ",".join(hosts + [host for host in ("127.0.0.1", "localhost") if host not in hosts])
    return {"NO_PROXY": value, "no_proxy": value}


def until(probe: Callable[[], Any], wanted: Callable[[Any], Any], timeout: float = 60.0) -> list[Any]:
    """Poll until a value is wanted.

    :param probe: returns the value.
    :param wanted: tells whether it is the wanted one.
    :param timeout: seconds to poll.
    :return: the distinct values seen, in order.
    :raises TimeoutError: it never came; the message holds the values seen.
    """
    seen: list[Any] = []
    end = time.monotonic() + timeout
    while True:
        value = probe()
        if not seen or seen[-1] != value:
            seen.append(value)
        if wanted(value):
            return seen
        if time.monotonic() > end:
            raise TimeoutError(f"not reached within {timeout} s; seen: {seen}")
        time.sleep(0.05)
