"""An AWS endpoint whose replies a test writes itself."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Operation and request -> what to reply: a dict, or a status and a dict or text.
Answer = Callable[[str, dict[str, Any]], Any]


@dataclass
class Call:
    operation: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Stub:
    url: str
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    answer: Answer = lambda operation, body: {}

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def setup(self) -> None:
        super().setup()
        self.stub.connections += 1

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.headers.get("x-amz-target")
        if target:
            operation, body = target.rpartition(".")[2], json.loads(raw or b"{}")
        else:
            body = dict(urllib.parse.parse_qsl(raw.decode()))
            operation = body.get("Action", self.path)
        self.stub.calls.append(Call(operation, body, {k.lower(): v for k, v in self.headers.items()}))
        reply = self.stub.answer(operation, body)
        status, content = reply if isinstance(reply, tuple) else (200, reply)
        if content is None:  # a reset
            self.close_connection = True
            return
        text = content if isinstance(content, str) else json.dumps(content)
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(data)))
        self.send_header("x-amzn-requestid", "request-1")
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients go away in these tests


def start() -> tuple[Stub, _Server]:
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    stub = Stub(f"http://127.0.0.1:{server.server_address[1]}")
    handler.stub = stub  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return stub, server


def error(code: str, message: str = "no", status: int = 400) -> tuple[int, dict[str, str]]:
    return status, {"__type": code, "message": message}


ROLE = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>
<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>
<SessionToken>role-token</SessionToken><Expiration>{1}</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/a/b</Arn></AssumedRoleUser>
</{0}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{0}Response>"""


def role(operation: str, expiration: str = "2099-01-01T00:00:00Z") -> str:
    return ROLE.format(operation, expiration)
