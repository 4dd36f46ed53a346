"""A task that is killed while it waits in the worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
from mwaalib.exceptions import WaitCancelledError
from mwaalib.operators.step_function import StepFunctionStartExecutionOperator
from mwaalib.sensors.step_function import StepFunctionExecutionSensor
from support.task import context
from support.work import SLOW, machine


@pytest.mark.parametrize("what", ["operator", "sensor"])
def test_on_kill_ends_a_blocking_wait(aws: Any, what: str) -> None:
    """Airflow 3's handler of SIGTERM calls `on_kill` and returns: nothing else ends the wait."""
    arn = machine(aws, SLOW)
    if what == "operator":
        task: Any = StepFunctionStartExecutionOperator(
            task_id="t", state_machine_arn=arn, wait_for_completion=True, waiter_delay=60
        )
    else:
        execution = aws.client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"]
        task = StepFunctionExecutionSensor(task_id="t", execution_arn=execution, poke_interval=60)
    times: dict[str, float] = {}

    def handler(signum: int, frame: object) -> None:
        task.on_kill()

    def send() -> None:
        times["sent"] = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, handler)
    timer = threading.Timer(2, send)
    timer.start()
    try:
        with pytest.raises(WaitCancelledError, match="killed while it waited"):
            task.execute(context())
        ended = time.monotonic()
    finally:
        timer.cancel()
        signal.signal(signal.SIGTERM, previous)
    # Each 60 s the wait would look again; how soon a signal is seen is a matter of tests/core/test_process.py.
    assert ended - times["sent"] < 5


def test_on_kill_after_the_wait_raises_nothing(aws: Any) -> None:
    task = StepFunctionStartExecutionOperator(task_id="t", state_machine_arn=machine(aws, SLOW))
    task.execute(context())
    task.on_kill()


def test_on_kill_in_airflow_2_leaves_the_error_to_its_handler(
    aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mwaalib.job.airflow_version", lambda: (2, 11, 2))
    task = StepFunctionStartExecutionOperator(task_id="t", state_machine_arn="arn")
    task._in_wait = True
    task.on_kill()
