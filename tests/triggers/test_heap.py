"""The heap of a process with many waits: what is frozen when, and that a wait leaves nothing to collect."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from mwaalib import metrics
from mwaalib.job import Wait
from mwaalib.triggers import _heap as module
from mwaalib.triggers.wait import WaitTrigger
from support.work import SLOW, machine


@pytest.fixture
def freezes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of waits at each freeze, from a process without any."""
    monkeypatch.setattr(module, "_waits", 0)
    monkeypatch.setattr(module, "_freeze_above", 0)
    found: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: found.append(module._waits))
    return found


def test_frozen_with_the_first_wait_and_as_waits_grow(freezes: list[int]) -> None:
    for _ in range(2 * module.GROWTH + 1):
        module.enter()
    assert freezes == [1, module.GROWTH + 1, 2 * module.GROWTH + 1]


def test_waits_that_come_and_go_freeze_nothing_more(freezes: list[int]) -> None:
    for _ in range(3 * module.GROWTH):
        module.enter()
        module.leave()
    assert freezes == [1]


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED", "deadline", "no_such_connection", "cancelled"])
async def test_an_ended_wait_is_freed_without_the_collector(aws: Any, uncollected: None, end: str) -> None:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine(aws, SLOW))["executionArn"]
    if end in ("SUCCEEDED", "FAILED"):
        aws.drive("sfn_execution", arn, end)
    wait = Wait(kind="sfn_execution", ids=[arn], delay=0.5).within(2 if end == "deadline" else 60)
    conn = end if end == "no_such_connection" else "aws_default"
    statuses: list[str] = []

    def start() -> tuple[asyncio.Task[None], weakref.ref[WaitTrigger]]:
        trigger = WaitTrigger(wait=wait.to_dict(), aws_conn_id=conn, service="stepfunctions")

        async def run(it: WaitTrigger) -> None:
            statuses.extend([event.payload["status"] async for event in it.run()])

        return asyncio.create_task(run(trigger)), weakref.ref(trigger)

    task, alive = start()
    if end == "cancelled":
        await asyncio.sleep(2)
        task.cancel()
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0.1)
    # What the core's threads let go meanwhile is freed at the next call of it.
    metrics.snapshot()
    assert statuses == {"SUCCEEDED": ["success"], "cancelled": []}.get(end, ["error"])
    assert alive() is None
