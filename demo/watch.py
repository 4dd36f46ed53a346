"""Follows a DAG run: prints each change of a task's state and keeps them for the timeline."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.airflow import DemoAirflow
from demo.console import Console, DemoError

LOOK_EVERY = 0.4  # seconds
LONGEST_RUN = float(os.environ.get("DEMO_TIMEOUT", "3600"))  # seconds
LONGEST_SILENCE = 60.0  # seconds
FINAL = {"success", "failed"}


@dataclass
class Span:
    """A stretch of time that a task spent in one state.

    :param task: the task's id.
    :param state: its state.
    :param start: seconds since the run was triggered.
    :param end: likewise.
    """

    task: str
    state: str
    start: float
    end: float


@dataclass
class Outcome:
    """How a run ended.

    :param run_id: the DAG run.
    :param state: its final state.
    :param tasks: final state of each task.
    :param spans: all stretches, in the order in which they began.
    :param seconds: from the trigger to the end.
    """

    run_id: str
    state: str
    tasks: dict[str, str]
    spans: list[Span]
    seconds: float

    @property
    def failed_tasks(self) -> list[str]:
        """The tasks that failed themselves, first failure first."""
        ended = [span.task for span in self.spans if span.state == "failed"]
        return [task for task in dict.fromkeys(ended) if self.tasks.get(task) == "failed"]


def follow(airflow: DemoAirflow, run_id: str, console: Console, check: Callable[[], None]) -> Outcome:
    """Follow a run to its end.

    :param airflow: where it runs.
    :param run_id: the run.
    :param console: gets a line for each change of state.
    :param check: raises when something that the run needs has ended.
    :return: how it ended.
    :raises DemoError: if it takes longer than ``DEMO_TIMEOUT`` seconds, or Airflow no longer answers.
    """
    began = time.monotonic()
    open_spans: dict[str, Span] = {}
    spans: list[Span] = []
    answered = began
    while True:
        check()
        now = time.monotonic() - began
        try:
            run_state = airflow.run_state(run_id)
            instances = airflow.task_instances(run_id)
        except OSError as error:
            # The API server is one busy process; only its lasting silence is a failure.
            if time.monotonic() - answered > LONGEST_SILENCE:
                raise DemoError(f"Airflow's API does not answer: {error}") from error
            time.sleep(LOOK_EVERY)
            continue
        answered = time.monotonic()
        for instance in sorted(instances, key=lambda i: i.get("start_date") or "~"):
            task, state = instance["task_id"], instance["state"] or "waiting"
            current = open_spans.get(task)
            if current is not None and current.state == state:
                current.end = now
                continue
            if current is not None:
                current.end = now
            open_spans[task] = Span(task, state, now, now)
            spans.append(open_spans[task])
            if state != "waiting":
                console.say(f"  {task:<28} {_words(current, state)}")
        if run_state in FINAL:
            tasks = {task: span.state for task, span in open_spans.items()}
            return Outcome(run_id, run_state, tasks, spans, now)
        if now > LONGEST_RUN:
            states = ", ".join(f"{task} {span.state}" for task, span in open_spans.items())
            raise DemoError(f"the run takes longer than {LONGEST_RUN:.0f} s (DEMO_TIMEOUT): {states}")
        time.sleep(LOOK_EVERY)


def _words(before: Span | None, state: str) -> str:
    if before is None or before.state == "waiting":
        return state
    return f"{state}  (after {before.end - before.start:.1f} s {before.state})"
