"""A task instance that is enough for `execute`, and the way from a deferral to its end."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

from mwaalib.testing.plugin import TaskInstance


def context(**ti: Any) -> dict[str, Any]:
    return {"ti": TaskInstance(**ti)}


def deferral(operator: Any, ctx: dict[str, Any]) -> BaseException:
    """Run `execute` until it defers; the deferral is what Airflow would store."""
    from airflow.exceptions import TaskDeferred

    try:
        value = operator.execute(ctx)
    except TaskDeferred as deferred:
        return deferred
    raise AssertionError(f"did not defer but returned {value!r}")


def rebuilt(trigger: Any) -> Any:
    """Return the trigger as the triggerer makes it anew out of the database."""
    path, kwargs = trigger.serialize()
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**json.loads(json.dumps(kwargs)))


async def fire(trigger: Any) -> dict[str, Any]:
    """Run a trigger as the triggerer does and return its one event."""
    events = [event.payload async for event in rebuilt(trigger).run()]
    assert len(events) == 1
    return json.loads(json.dumps(events[0]))


def run_deferred(operator: Any, ctx: dict[str, Any]) -> Any:
    """Run a deferrable operator from its start to its end."""
    deferred = deferral(operator, ctx)
    event = asyncio.run(fire(deferred.trigger))
    return getattr(operator, deferred.method_name)(ctx, event=event)
