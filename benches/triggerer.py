"""A process that runs triggers the way Airflow's triggerer does, and measures itself.

`python -m benches.triggerer '{"side": ..., "jobs": [[kind, parent, id], ...], ...}'` reads commands
from standard input (`measure SECONDS`, `expect 0`, `events SECONDS`, `end`) and answers each with a line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benches.jobs import Job, trigger

_TICK = 0.005
# Seconds until a process that never comes to rest is taken as it is.
_PATIENCE = 60.0
_PAGE = resource.getpagesize()


def rss() -> int:
    """Return this process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


class Loop:
    """One event loop with its triggers and a watch on how long it stalls."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.side: str = options["side"]
        self.delay: int = options["delay"]
        self.jobs = [Job(*job) for job in options["jobs"]]
        self.cold: bool = options["cold"]
        self.stall = 0.0
        # The watch takes two hundredths of a core itself: it rests while nothing but waiting is measured.
        self.watching = True
        # Before the jobs change their state no wait may end.
        self.may_end = False
        self.tasks: list[asyncio.Task[None]] = []
        self.events: dict[str, list[Any]] = {}

    async def watch(self) -> None:
        """Note the longest time by which a short sleep overran."""
        while True:
            if not self.watching:
                await asyncio.sleep(1)
                continue
            before = time.perf_counter()
            await asyncio.sleep(_TICK)
            self.stall = max(self.stall, time.perf_counter() - before - _TICK)

    async def _run(self, job: Job, instance: Any) -> None:
        try:
            async for event in instance.run():
                self.events[job.id] = [time.time(), str(event.payload)[:200]]
                if not self.may_end:
                    raise RuntimeError(f"ended too early: {event.payload}")
                break
        except Exception as error:
            # A wait that broke must not pass for a cheap one.
            print(f"{job.id}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)

    async def start(self) -> dict[str, float]:
        """Start every trigger as `TriggerRunner.create_triggers` does: one, then let the loop go on."""
        # Airflow imports a trigger's module before it starts the first.
        trigger(self.side, self.jobs[0], self.delay)
        if not self.cold:
            await self._warm_up()
        gc.collect()
        await asyncio.sleep(2 * _TICK)
        self.stall, memory, cpu, began = 0.0, rss(), time.process_time(), time.perf_counter()
        for job in self.jobs:
            await asyncio.sleep(0)
            instance = trigger(self.side, job, self.delay)
            self.tasks.append(asyncio.create_task(self._run(job, instance)))
        created = time.perf_counter() - began
        settled, then = await quiet()
        used, stall = then - cpu, self.stall
        gc.collect()
        many = len(self.jobs)
        return {
            "created_s": created,
            "settled_s": settled - began,
            "stall_ms": stall * 1e3,
            "cpu_ms": used * 1e3 / many,
            "memory_kb": (rss() - memory) / 1024 / many,
            "rss_mb": rss() / 2**20,
        }

    async def _warm_up(self) -> None:
        """Have the first wait load modules and make the client; what is measured is one more wait."""
        task = asyncio.create_task(self._run(self.jobs[0], trigger(self.side, self.jobs[0], self.delay)))
        await quiet()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def measure(self, seconds: float) -> dict[str, float]:
        """Return the CPU used in `seconds` of nothing but waiting."""
        self.watching, cpu, began = False, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        used, took = time.process_time() - cpu, time.perf_counter() - began
        self.watching = True
        return {"cpu_percent": used / took * 100}

    async def expect(self, _: float) -> dict[str, list[Any]]:
        """Take events from now on for what they are."""
        self.may_end = True
        return {}

    async def ended(self, seconds: float) -> dict[str, list[Any]]:
        """Return the time and payload of each trigger's event, when all have fired or time is up."""
        until = time.monotonic() + seconds
        while len(self.events) < len(self.jobs) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        return self.events


async def quiet() -> tuple[float, float]:
    """Wait until this process has all but stopped working; return when that began, and its CPU time then."""
    calm, since, used = 0, time.perf_counter(), time.process_time()
    until = since + _PATIENCE
    while calm < 4 and time.perf_counter() < until:
        cpu = time.process_time()
        await asyncio.sleep(0.5)
        # The watch over the loop itself takes a few hundredths of it.
        if time.process_time() - cpu < 0.06:
            calm += 1
        else:
            calm, since, used = 0, time.perf_counter(), time.process_time()
    return since, used


async def main() -> None:
    """Serve commands from standard input until `end`."""
    # Airflow logs to standard output: answers get a channel of their own.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    options = json.loads(sys.stdin.readline())
    loop = Loop(options)
    commands: dict[str, Callable[[float], Awaitable[Any]]] = {
        "measure": loop.measure,
        "expect": loop.expect,
        "events": loop.ended,
    }
    watch = asyncio.create_task(loop.watch())
    print(json.dumps(await loop.start()), file=answers, flush=True)
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        name, _, argument = line.strip().partition(" ")
        if name not in commands:
            break
        print(json.dumps(await commands[name](float(argument))), file=answers, flush=True)
    watch.cancel()
    for task in loop.tasks:
        task.cancel()
    await asyncio.gather(*loop.tasks, return_exceptions=True)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    asyncio.run(main())
