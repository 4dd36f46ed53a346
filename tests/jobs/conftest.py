"""Jobs started by the native core against a moto server in this process, whose states tests can set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.backends import get_backend
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
REGION = "us-east-1"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


class Aws:
    """A moto server, looked into from inside."""

    def __init__(self, url: str) -> None:
        self.url = url

    def boto(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, **KEYS)

    def backend(self, service: str) -> Any:
        return get_backend(service)[ACCOUNT][REGION]

    def settings(self, url: str | None = None) -> str:
        return json.dumps(
            {
                "endpoint_url": url or self.url,
                "region": REGION,
                "access_key_id": "testing",
                "secret_access_key": "testing",
            }
        )

    def session(self, url: str | None = None) -> Any:
        from mwaalib import _core

        return _core.Session(self.settings(url))


@pytest.fixture(scope="session")
def _server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(_server: str) -> Aws:
    boto3.client("sts", endpoint_url=_server, **KEYS)
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{_server}/moto-api/reset", method="POST")).read()
    return Aws(_server)
