"""A stub that hooks reach through the default chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import stub as stubs


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[stubs.Stub]:
    running, server = stubs.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    yield running
    server.shutdown()
    server.server_close()
