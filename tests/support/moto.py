"""A moto server in a process of its own, on a free port."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REGION = "us-east-1"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


class Moto:
    """The running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def boto(self, service: str) -> Any:
        """Return a boto3 client, to prepare and to check what is in the server."""
        import boto3

        return boto3.client(service, endpoint_url=self.url, **KEYS)

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")).read()

    def transition(self, model: str, times: int) -> None:
        """Make a model's state move on after so many looks instead of at once."""
        import json

        body = {"model_name": model, "transition": {"progression": "manual", "times": times}}
        request = urllib.request.Request(
            f"{self.url}/moto-api/state-manager/set-transition", data=json.dumps(body).encode(), method="POST"
        )
        urllib.request.urlopen(request).read()


@contextmanager
def server() -> Iterator[Moto]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/moto-api/").read()
                break
            except OSError:
                assert process.poll() is None, "moto's server ended at once"
                time.sleep(0.1)
        yield Moto(url)
    finally:
        process.terminate()
        process.wait(10)
