from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mwaalib import _core
from support import stub as stubs


@pytest.fixture
def stub() -> Iterator[stubs.Stub]:
    running, server = stubs.start()
    yield running
    server.shutdown()
    server.server_close()


@pytest.fixture
def session(stub: stubs.Stub) -> Callable[..., _core.Session]:
    """Make a session that calls the stub; arguments are settings."""

    def make(**settings: Any) -> _core.Session:
        base = {
            "region": "eu-west-1",
            "access_key_id": "AKIATEST",
            "secret_access_key": "test-secret",
            "endpoint_url": stub.url,
            "max_attempts": 1,
        }
        return _core.Session(
            json.dumps({key: value for key, value in (base | settings).items() if value is not None})
        )

    return make
