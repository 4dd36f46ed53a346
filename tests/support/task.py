"""A task instance that is enough for `execute`, and the way from a deferral to its end."""

from __future__ import annotations

import asyncio
import importlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TaskInstance:
    """Keeps XComs like Airflow's."""

    task_id: str = "task"
    dag_id: str = "dag"
    # Of its own, or a task would take over the jobs of another test.
    run_id: str = field(default_factory=lambda: f"manual__{uuid.uuid4()}")
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    xcom: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps(value)  # Airflow stores JSON
        self.xcom[key] = value

    def get_first_reschedule_date(self, context: Any) -> None:
        return None


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
