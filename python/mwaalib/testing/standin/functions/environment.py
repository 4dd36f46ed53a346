"""One Lambda execution environment: a process and the runtime API it polls."""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mwaalib.testing.standin.processes import Child, Supervisor

_PREFIX = "/2018-06-01/runtime/"


@dataclass
class Result:
    """What an invocation gave back.

    :param payload: the response, or the error object.
    :param error: None, ``Handled`` or ``Unhandled``.
    :param log: what the function wrote while it ran, with START, END and REPORT lines.
    """

    payload: str
    error: str | None
    log: str


class Environment:
    """A running function.

    :param supervisor: starts its process.
    :param command: the bootstrap program.
    :param code: directory of the unpacked code.
    :param env: environment without ``AWS_LAMBDA_RUNTIME_API``.
    :param arn: the function's ARN, for the invocation context.
    :param log: file that collects what the process writes.
    """

    def __init__(
        self, supervisor: Supervisor, command: list[str], code: Path, env: dict[str, str], arn: str, log: Path
    ) -> None:
        self._arn = arn
        self._log = log
        self._invocations: queue.Queue[tuple[str, str, float]] = queue.Queue()
        self._answers: queue.Queue[tuple[str, str | None]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        env = {**env, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}"}
        try:
            with log.open("ab") as output:
                self._child: Child = supervisor.start(
                    command, cwd=code, env=env, stdout=output, stderr=output
                )
        except OSError:
            self._server.shutdown()
            self._server.server_close()
            raise
        self.used = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.process.poll() is None

    def invoke(self, event: str, timeout: float) -> Result:
        """Run one invocation.

        :param event: the JSON event.
        :param timeout: the function's timeout in seconds.
        :return: its result; after a timeout or a crash the environment is dead.
        """
        request_id = str(uuid.uuid4())
        offset = self._log.stat().st_size
        began = time.monotonic()
        self._invocations.put((request_id, event, time.time() + timeout))
        answer: tuple[str, str | None] | None = None
        while answer is None and time.monotonic() - began < timeout:
            try:
                answer = self._answers.get(timeout=min(0.1, timeout))
            except queue.Empty:
                if not self.alive and self._answers.empty():
                    break
        if answer is None:
            answer = self._died(request_id, timeout)
        duration = (time.monotonic() - began) * 1000
        self.used = time.monotonic()
        with self._log.open("rb") as file:
            file.seek(offset)
            written = file.read().decode("utf-8", "replace").rstrip("\n")
        log = (
            f"START RequestId: {request_id} Version: $LATEST\n{written}\nEND RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms"
        )
        return Result(answer[0], answer[1], log)

    def close(self) -> None:
        """End the process and its runtime API."""
        self._child.stop(0.5)
        self._server.shutdown()
        self._server.server_close()

    def _died(self, request_id: str, timeout: float) -> tuple[str, str]:
        if self.alive:
            kind, message = (
                "Sandbox.Timedout",
                f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds",
            )
        else:
            status = self._child.process.returncode
            what = f"exit status {status}" if status >= 0 else f"signal: {-status}"
            kind, message = (
                "Runtime.ExitError",
                f"RequestId: {request_id} Error: Runtime exited with error: {what}",
            )
        self._child.stop(0)
        return json.dumps({"errorType": kind, "errorMessage": message}), "Unhandled"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != f"{_PREFIX}invocation/next":
                    self.send_error(404)
                    return
                while True:
                    try:
                        request_id, event, deadline = owner._invocations.get(timeout=0.5)
                        break
                    except queue.Empty:
                        if not owner.alive:
                            return
                body = event.encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", owner._arn)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self._body().decode("utf-8", "replace")
                if self.path.endswith("/response"):
                    owner._answers.put((body, None))
                elif self.path.endswith("/error"):
                    owner._answers.put((body, "Unhandled"))
                answer = b'{"status":"OK"}'
                self.send_response(202)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _body(self) -> bytes:
                if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
