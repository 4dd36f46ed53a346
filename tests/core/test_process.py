"""Threads, forks and signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mwaalib import _core
from support.stub import Stub

Make = Callable[..., _core.Session]
WAIT = json.dumps({"kind": "sfn_execution", "ids": ["arn:aws:states:eu-west-1:1:execution:m:e"], "delay": 60})


@pytest.fixture(params=[20, pytest.param(100, marks=pytest.mark.long)])
def forks(request: pytest.FixtureRequest) -> int:
    """How many forks must all go well; a child that hangs is the failure looked for."""
    return request.param


def ended(made: _core.Session) -> None:
    """Wait in this process for an execution that ends while it is waited for."""
    wait = json.loads(WAIT) | {"ids": ["arn:aws:states:eu-west-1:1:execution:m:ending"], "delay": 0.05}
    assert json.loads(made.wait(json.dumps(wait)))["results"][0]["state"] == "SUCCEEDED"


def ending(calls: list[int]) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Return an answer that lets every second look find the execution at its end."""

    def answer(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation != "DescribeExecution":
            return {}
        calls.append(1)
        return {"status": "RUNNING" if len(calls) % 2 else "SUCCEEDED"}

    return answer


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def python(code: str, *arguments: str, seconds: float = 60) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_starts_before_the_first_call(stub: Stub) -> None:
    code = """
import json, os, sys
tasks = lambda: len(os.listdir("/proc/self/task"))
fds = lambda: len(os.listdir("/proc/self/fd"))
before = tasks(), fds()
from mwaalib import _core
made = _core.Session(json.dumps({"region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b",
                                 "endpoint_url": sys.argv[1]}))
_core.validate("emr", "ListClusters", "{}"); _core.states("emr_step"); _core.metrics(); repr(made)
assert (tasks(), fds()) == before and not _core.runtime_started()
made.call("emr", "ListClusters", "{}")
assert _core.runtime_started() and tasks() > before[0]
"""
    python(code, stub.url)


def in_child(work: Callable[[], object], seconds: float = 20) -> None:
    """Run `work` after a bare fork, as Airflow 3's supervisor does, and fail if it fails or hangs."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(int(seconds))
            work()
            code = 0
        except BaseException as failure:
            os.write(2, f"child: {failure!r}\n".encode())
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_forked_child_and_parent_both_work(stub: Stub, session: Make, forks: int) -> None:
    """A bare fork of a process that has waited, as of Airflow 3's supervisor and of its triggerer."""
    stub.answer = ending([])
    made = session()
    ended(made)
    made.call("emr", "ListClusters", "{}")

    def work() -> None:
        assert not _core.runtime_started()
        assert threads() == 1
        assert made.call("emr", "ListClusters", "{}") == "{}"
        assert session().call("glue", "GetCrawlers", "{}") == "{}"
        ended(made)

    for _ in range(forks):
        in_child(work)
        ended(made)
        made.call("emr", "ListClusters", "{}")


def test_fork_during_calls(stub: Stub, session: Make, forks: int) -> None:
    """As in a triggerer or a celery worker that forks while other threads are at work."""
    made = session()
    stub.answer = lambda operation, body: time.sleep(0.01) or {}
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            made.call("emr", "ListClusters", "{}")

    workers = [threading.Thread(target=busy) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(forks):
            in_child(lambda: made.call("glue", "GetCrawlers", "{}"))
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_fork_with_waits_under_way(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: {"status": "RUNNING", "executions": []}

    async def main() -> None:
        made = session()
        waits = [made.wait_async(WAIT.replace(":e", f":e{n}")) for n in range(10)]
        await asyncio.sleep(0.2)

        def work() -> None:
            async def inside() -> str:
                return await made.call_async("emr", "ListClusters", "{}")

            assert (
                asyncio.new_event_loop().run_until_complete(inside())
                == '{"status":"RUNNING","executions":[]}'
            )
            del waits[:]

        for _ in range(5):
            in_child(work)
        assert await made.call_async("emr", "ListClusters", "{}")
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    asyncio.run(main())


def test_fork_of_a_fork(stub: Stub, session: Make) -> None:
    """Celery's prefork worker forks, and so does Airflow 3's supervisor inside it."""
    made = session()
    made.call("emr", "ListClusters", "{}")

    def work() -> None:
        made.call("emr", "ListClusters", "{}")
        in_child(lambda: made.call("emr", "ListClusters", "{}"), 10)
        made.call("emr", "ListClusters", "{}")

    for _ in range(5):
        in_child(work)


@pytest.mark.parametrize("library", ["multiprocessing", "billiard"])
def test_prefork_pool(stub: Stub, session: Make, forks: int, library: str) -> None:
    """Celery's prefork workers are children of billiard, which forks while the parent has waited already."""
    pool = pytest.importorskip(library)
    stub.answer = ending([])
    made = session()
    ended(made)
    context = pool.get_context("fork")
    left = forks
    while left > 0:
        children = [context.Process(target=ended, args=(made,)) for _ in range(min(left, 4))]
        for child in children:
            child.start()
        for child in children:
            child.join(20)
        assert [child.exitcode for child in children] == [0] * len(children)
        left -= len(children)
    ended(made)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1])
@pytest.mark.parametrize("what", ["call", "wait"])
def test_signals_interrupt_blocking_work(
    stub: Stub, session: Make, number: signal.Signals, what: str
) -> None:
    stub.answer = lambda operation, body: (
        {"status": "RUNNING", "executions": []} if operation != "ListClusters" else time.sleep(5) or {}
    )
    times = {}

    def handler(signum: int, frame: object) -> None:
        times["handled"] = time.monotonic()
        raise Interrupted

    def send() -> None:
        times["sent"] = time.monotonic()
        os.kill(os.getpid(), number)

    made = session()
    made.call("glue", "GetCrawlers", "{}")
    previous = signal.signal(number, handler)
    timer = threading.Timer(0.5, send)
    timer.start()
    try:
        with pytest.raises(Interrupted):
            made.call("emr", "ListClusters", "{}") if what == "call" else made.wait(WAIT)
        returned = time.monotonic()
    finally:
        timer.cancel()
        signal.signal(number, previous)
    assert returned - times["sent"] < 0.2


def test_interrupted_wait_is_dropped(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: {"status": "RUNNING", "executions": []}

    def stop(event: str) -> None:
        raise Interrupted

    before = json.loads(_core.metrics())["waits_active"]
    with pytest.raises(Interrupted):
        session().wait(WAIT, stop)
    for _ in range(50):
        if json.loads(_core.metrics())["waits_active"] == before:
            break
        time.sleep(0.02)
    assert json.loads(_core.metrics())["waits_active"] == before


def test_exit_with_work_under_way(stub: Stub, tmp_path: Path) -> None:
    """The interpreter ends at once and cleanly, whatever the runtime's threads are doing."""
    stub.answer = lambda operation, body: {"status": "RUNNING", "executions": []}
    code = f"""
import asyncio, json, sys
from mwaalib import _core
made = _core.Session(json.dumps({{"region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b",
                                 "endpoint_url": sys.argv[1]}}))
async def main():
    wait = json.loads({WAIT!r})
    waits = [made.wait_async(json.dumps(wait | {{"ids": [f"{{wait['ids'][0]}}{{n}}"], "delay": 0.01}}), lambda e: None)
             for n in range(50)]
    await asyncio.sleep(0.3)
    global keep
    keep = waits
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
print("done")
"""
    for _ in range(3):
        started = time.monotonic()
        assert python(code, stub.url, seconds=20).strip() == "done"
        assert time.monotonic() - started < 10
