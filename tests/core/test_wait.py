"""Waits through the binding: results, errors, events, cancelling, and the loop kept free."""

from __future__ import annotations

import asyncio
import contextvars
import json
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from mwaalib import _core
from mwaalib.exceptions import (
    AwsAccessDeniedError,
    JobFailedError,
    RequestValidationError,
    UnknownStateError,
    WaitTimeoutError,
)
from support.stub import Stub, error

Make = Callable[..., _core.Session]
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run"


def spec(n: int | str = "", **more: Any) -> str:
    return json.dumps({"kind": "sfn_execution", "ids": [f"{ARN}{n}"], "delay": 0.05} | more)


class Machine:
    """Executions that run for some polls and then end."""

    def __init__(self, end: str = "SUCCEEDED", polls: int = 2) -> None:
        self.end, self.polls, self.seen = end, polls, dict[str, int]()

    def __call__(self, operation: str, body: dict[str, Any]) -> Any:
        if operation == "DescribeExecution":
            arn = body["executionArn"]
            self.seen[arn] = self.seen.get(arn, 0) + 1
            status = "RUNNING" if self.seen[arn] <= self.polls else self.end
            machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:machine"
            return {
                "executionArn": arn,
                "stateMachineArn": machine,
                "status": status,
                "startDate": 1.0,
                "output": "1",
            }
        if operation == "ListExecutions":
            return {"executions": []}
        if operation == "GetExecutionHistory":
            return {"events": []}
        return error("UnknownOperationException")


def test_blocking_wait(stub: Stub, session: Make) -> None:
    stub.answer = Machine()
    events: list[dict[str, Any]] = []
    reply = json.loads(session().wait(spec(), lambda event: events.append(json.loads(event))))
    (result,) = reply["results"]
    assert (result["id"], result["state"], result["detail"]["output"]) == (ARN, "SUCCEEDED", "1")
    states = [(event["previous"], event["state"]) for event in events if event["type"] == "state"]
    assert states == [(None, "RUNNING"), ("RUNNING", "SUCCEEDED")]


def test_awaited_wait(stub: Stub, session: Make) -> None:
    stub.answer = Machine()
    context = contextvars.ContextVar("trigger", default="none")
    seen: list[tuple[str, str]] = []

    async def one(made: _core.Session, n: int) -> str:
        context.set(f"trigger-{n}")
        reply = await made.wait_async(
            spec(n), lambda event: seen.append((context.get(), json.loads(event)["id"]))
        )
        return json.loads(reply)["results"][0]["state"]

    async def main() -> list[str]:
        made = session()
        return await asyncio.gather(*[one(made, n) for n in range(5)])

    assert asyncio.run(main()) == ["SUCCEEDED"] * 5
    assert {(f"trigger-{n}", f"{ARN}{n}") for n in range(5)} == set(seen), (
        "each in the context of its own wait"
    )


@pytest.mark.parametrize("how", ["blocking", "awaited"])
def test_failure_carries_the_state(stub: Stub, session: Make, how: str) -> None:
    stub.answer = Machine("TIMED_OUT", 0)

    async def main() -> str:
        return await session().wait_async(spec())

    with pytest.raises(JobFailedError) as caught:
        asyncio.run(main()) if how == "awaited" else session().wait(spec())
    assert (caught.value.kind, caught.value.id, caught.value.state) == ("sfn_execution", ARN, "TIMED_OUT")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.to_dict() == caught.value.to_dict()


def test_unknown_state_denied_and_deadline(stub: Stub, session: Make) -> None:
    stub.answer = Machine("MELTED", 0)
    with pytest.raises(UnknownStateError, match="MELTED"):
        session().wait(spec(1))
    stub.answer = lambda operation, body: error("AccessDeniedException", "not you")
    with pytest.raises(AwsAccessDeniedError):
        session().wait(spec(2))
    stub.answer = Machine(polls=10**6)
    with pytest.raises(WaitTimeoutError, match="RUNNING"):
        session().wait(spec(3, deadline=time.time() + 2))


@pytest.mark.parametrize(
    "wait", ["{", "[]", '{"kind": "sfn"}', '{"kind": "emr_step", "ids": ["s"]}', spec(delay=0), spec(dealy=1)]
)
def test_bad_waits_are_refused(session: Make, wait: str) -> None:
    with pytest.raises(RequestValidationError):
        session().wait(wait)


def test_wait_async_needs_a_loop(session: Make) -> None:
    with pytest.raises(RuntimeError, match="loop"):
        session().wait_async(spec())


def active() -> int:
    return json.loads(_core.metrics())["waits_active"]


def test_cancelling_drops_the_wait(stub: Stub, session: Make) -> None:
    stub.answer = Machine(polls=10**6)
    before = active()

    async def main() -> None:
        made = session()
        waits = [asyncio.ensure_future(made.wait_async(spec(n))) for n in range(10)]
        await asyncio.sleep(0.3)
        assert active() == before + 10
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        for _ in range(100):
            if active() == before:
                break
            await asyncio.sleep(0.01)
        assert active() == before
        calls = len(stub.calls)
        await asyncio.sleep(0.3)
        assert len(stub.calls) <= calls + 1, "nobody asks for a wait that is gone"

    asyncio.run(main())


def test_callback_that_raises_harms_nobody(
    stub: Stub, session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    stub.answer = Machine()
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hook: unraisable.append(hook.exc_value))

    def bad(event: str) -> None:
        raise ValueError("bad callback")

    async def main() -> str:
        return await session().wait_async(spec(), bad)

    assert "SUCCEEDED" in asyncio.run(main())
    assert unraisable
    assert all(isinstance(item, ValueError) for item in unraisable)


def test_closed_loop_with_waits_under_way(stub: Stub, session: Make) -> None:
    stub.answer = Machine(polls=3)
    made = session()
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        made.wait_async(spec("closed"), lambda event: None)

    loop.run_until_complete(begin())
    loop.close()
    time.sleep(0.5)

    async def main() -> str:
        return await made.wait_async(spec("after"))

    assert "SUCCEEDED" in asyncio.run(main())


def test_thousands_of_ends_do_not_stall_the_loop(stub: Stub, session: Make) -> None:
    """5,000 waits that end in the same moment, each with two events."""
    ids = [f"step-{n}" for n in range(5000)]
    state = {"now": "RUNNING"}

    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "GetCrawler":
            return {"Crawler": {"Name": body["Name"], "State": "READY", "LastCrawl": {"Status": "SUCCEEDED"}}}
        names = body["CrawlerNames"]
        if state["now"] == "RUNNING":
            return {"Crawlers": [{"Name": name, "State": "RUNNING"} for name in names]}
        last = {"Status": "SUCCEEDED", "StartTime": 1.0}
        return {"Crawlers": [{"Name": name, "State": "READY", "LastCrawl": last} for name in names]}

    stub.answer = answer
    stalls: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            stalls.append(now - last)
            last = now
            await asyncio.sleep(0.001)
            last = time.perf_counter()

    async def main() -> int:
        made = session(service_endpoints={"glue": stub.url})
        events = [0]

        def count(event: str) -> None:
            events[0] += 1

        watcher = asyncio.ensure_future(watch())
        waits = []
        for begin in range(0, len(ids), 50):
            for name in ids[begin : begin + 50]:
                text = json.dumps({"kind": "glue_crawler", "ids": [name], "delay": 2.0})
                waits.append(made.wait_async(text, count))
            await asyncio.sleep(0)
        await asyncio.sleep(4)
        state["now"] = "READY"
        replies = await asyncio.gather(*waits)
        watcher.cancel()
        assert events[0] >= len(ids)
        return len(replies)

    assert asyncio.run(main()) == len(ids)
    assert sorted(stalls)[-5] < 0.05, f"longest stalls {sorted(stalls)[-8:]}"
