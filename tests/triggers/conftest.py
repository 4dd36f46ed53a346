"""A watch over the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest


@pytest.fixture
async def stall() -> AsyncIterator[Callable[[], float]]:
    """Tell the longest stall of the loop since the last question, in seconds."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            worst = max(worst, time.perf_counter() - began - 0.002)

    def ask() -> float:
        nonlocal worst
        found, worst = worst, 0.0
        return found

    task = asyncio.create_task(watch())
    yield ask
    task.cancel()
