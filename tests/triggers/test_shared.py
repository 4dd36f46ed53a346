"""A connection that many waits share: read late, changed, refused, unreadable. The native session is a
stand-in where only its timing is in question."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from mwaalib.exceptions import (
    ConnectionNotFoundError,
    ConnectionSettingsError,
    CredentialsError,
    InternalError,
    WaitTimeoutError,
    from_dict,
)
from mwaalib.triggers import _shared as module

KEY = ("team", None, None, None, "stepfunctions")
MANY = 3_000
Resolve = Callable[[tuple[Any, ...]], str]


class Session:
    """A session whose waits end when the test says so."""

    def __init__(self, settings: str) -> None:
        self.settings = settings
        self.waits: list[asyncio.Future[str]] = []

    def wait_async(self, text: str, on_event: Callable[[str], None]) -> asyncio.Future[str]:
        wait = asyncio.get_running_loop().create_future()
        self.waits.append(wait)
        return wait


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    made: list[Session] = []
    monkeypatch.setattr(
        module._native, "session", lambda settings: made.append(Session(settings)) or made[-1]
    )
    monkeypatch.setattr(module.metrics, "publish", lambda: False)
    return made


def reads(monkeypatch: pytest.MonkeyPatch, resolve: Resolve) -> list[float]:
    """Make the connection answer as `resolve` does; return the times it was read."""
    times: list[float] = []
    monkeypatch.setattr(module, "_resolve", lambda key: times.append(time.monotonic()) or resolve(key))
    return times


async def one(deadline: float | None = None) -> None:
    wait = {"kind": "sfn_execution", "ids": ["arn"], "deadline": deadline}
    with module.shared(KEY) as shared:
        await shared.wait(wait, print)


def start(number: int = 1) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(one()) for _ in range(number)]


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def drop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert module.pool() == {}


async def test_waits_that_begin_before_the_connection_is_read(
    sessions: list[Session], stall: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = reads(monkeypatch, lambda key: time.sleep(0.3) or "a")
    tasks = start(MANY)
    await asyncio.sleep(0.2)
    stall()
    await until(lambda: bool(sessions) and len(sessions[0].waits) == MANY)
    # In one step it takes over 100 ms.
    assert stall() < 0.05
    assert len(times) == 1
    await drop(tasks)


async def test_a_changed_connection_moves_waits_without_a_stall(
    sessions: list[Session], stall: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFRESH", 0.5)
    settings = "a"
    reads(monkeypatch, lambda key: settings)
    tasks = start(MANY)
    await until(lambda: bool(sessions) and len(sessions[0].waits) == MANY)
    stall()
    settings = "b"
    await until(lambda: len(sessions) == 2 and len(sessions[1].waits) == MANY)
    assert stall() < 0.05
    assert all(wait.done() for wait in sessions[0].waits)
    for wait in sessions[1].waits:
        wait.set_result("[]")
    await asyncio.gather(*tasks)


async def test_refused_credentials_are_read_again_at_once(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "old"
    times = reads(monkeypatch, lambda key: settings)
    tasks = start(50)
    await until(lambda: bool(sessions) and len(sessions[0].waits) == 50)
    await asyncio.sleep(1.1)
    settings = "new"
    refused = {"type": "AwsError", "code": "InvalidClientTokenId", "message": "no such key"}
    for wait in sessions[0].waits:
        wait.set_exception(from_dict(refused))
    await until(lambda: len(sessions) == 2 and len(sessions[1].waits) == 50)
    assert len(times) == 2
    for wait in sessions[1].waits:
        wait.set_result("[]")
    await asyncio.gather(*tasks)


@pytest.mark.parametrize(
    "error",
    [CredentialsError("none found"), from_dict({"type": "AwsError", "code": "SignatureDoesNotMatch"})],
)
async def test_credentials_refused_for_good_end_the_wait(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    reads(monkeypatch, lambda key: "same")
    task = start()[0]
    await until(lambda: bool(sessions) and len(sessions[0].waits) == 1)
    sessions[0].waits[0].set_exception(error)
    with pytest.raises(type(error)):
        await task


async def test_a_connection_that_cannot_be_read_for_a_while(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(key: tuple[Any, ...]) -> str:
        if len(times) < 2:
            raise OSError("the database is restarting")
        return "a"

    times = reads(monkeypatch, resolve)
    tasks = start(3)
    await until(lambda: bool(sessions) and len(sessions[0].waits) == 3)
    await drop(tasks)


async def test_a_connection_that_stays_unreadable(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(key: tuple[Any, ...]) -> str:
        raise OSError("no route to the database")

    reads(monkeypatch, resolve)
    with pytest.raises(WaitTimeoutError, match="could not be read"):
        await one(deadline=time.time() + 1)
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with pytest.raises(ConnectionSettingsError, match="'team' cannot be read: OSError: no route"):
        await one()


async def test_a_missing_connection_fails_each_wait_with_its_own_error(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(key: tuple[Any, ...]) -> str:
        raise ConnectionNotFoundError("no such connection")

    times = reads(monkeypatch, resolve)
    errors = await asyncio.gather(*start(5), return_exceptions=True)
    assert {type(error) for error in errors} == {ConnectionNotFoundError}
    assert len({id(error) for error in errors}) == 5
    assert len(times) == 1


async def test_a_session_that_cannot_be_made_fails_each_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def session(settings: str) -> Session:
        raise RuntimeError("no thread can be started")

    reads(monkeypatch, lambda key: "a")
    monkeypatch.setattr(module._native, "session", session)
    errors = await asyncio.wait_for(asyncio.gather(*start(2), return_exceptions=True), 10)
    assert {type(error) for error in errors} == {InternalError}
    assert "RuntimeError: no thread can be started" in str(errors[0])


async def test_one_unreadable_moment_leaves_waits_alone(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "REFRESH", 0.1)

    def resolve(key: tuple[Any, ...]) -> str:
        if len(times) > 1:
            raise OSError("gone")
        return json.dumps({"a": 1})

    times = reads(monkeypatch, resolve)
    tasks = start(2)
    await until(lambda: len(times) > 2)
    tasks += start(2)
    await until(lambda: len(sessions[0].waits) == 4)
    for wait in sessions[0].waits:
        wait.set_result("[]")
    await asyncio.gather(*tasks)
