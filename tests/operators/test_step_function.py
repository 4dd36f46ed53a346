"""Step Functions' operators against the stand-in."""

from __future__ import annotations

from typing import Any

import pytest
from mwaalib.compat import AirflowFailException
from mwaalib.exceptions import AwsError, JobFailedError, WaitTimeoutError
from mwaalib.metrics import snapshot
from mwaalib.operators.step_function import (
    StepFunctionGetExecutionOutputOperator,
    StepFunctionStartExecutionOperator,
)
from support.task import context, run_deferred
from support.work import FAIL, PASS, SLOW, machine, unique


def start(arn: str, **kwargs: Any) -> StepFunctionStartExecutionOperator:
    return StepFunctionStartExecutionOperator(
        task_id="start", state_machine_arn=arn, waiter_delay=1, **kwargs
    )


def run(operator: Any, ctx: Any) -> Any:
    return run_deferred(operator, ctx) if operator.deferrable else operator.execute(ctx)


def asked(api: str) -> int:
    """How often the core has called that API in this process."""
    calls: int = snapshot()["apis"].get(api, {}).get("calls", 0)
    return calls


def test_start_publishes_links(aws: Any) -> None:
    arn, name, ctx = machine(aws, PASS), unique("e"), context()
    execution = start(arn, name=name, state_machine_input={"a": 1}).execute(ctx)
    assert execution.endswith(f":{name}")
    assert ctx["ti"].xcom["_state_machine_details"]["state_machine_arn"] == arn
    assert ctx["ti"].xcom["_state_machine_executions_details"]["execution_arn"] == execution


@pytest.mark.parametrize("mode", [{"wait_for_completion": True}, {"deferrable": True}])
def test_wait_then_output(aws: Any, mode: Any) -> None:
    execution = run(start(machine(aws, PASS), state_machine_input='{"stars": 5}', **mode), context())
    ctx = context()
    output = StepFunctionGetExecutionOutputOperator(task_id="o", execution_arn=execution).execute(ctx)
    assert output == {"stars": 5}
    assert "_state_machine_executions_details" in ctx["ti"].xcom


@pytest.mark.parametrize("mode", [{"wait_for_completion": True}, {"deferrable": True}])
def test_failed_execution_says_why(aws: Any, mode: Any) -> None:
    before = asked("sfn:GetExecutionHistory")
    with pytest.raises(JobFailedError) as error:
        run(start(machine(aws, FAIL), **mode), context())
    assert "Bad.Rating" in str(error.value)
    assert "no stars" in str(error.value)
    assert asked("sfn:GetExecutionHistory") > before, "looking for the cause counts too"


def test_error_as_output(aws: Any) -> None:
    with pytest.raises(JobFailedError) as error:
        run(start(machine(aws, FAIL), wait_for_completion=True), context())
    operator = StepFunctionGetExecutionOutputOperator(task_id="o", execution_arn=error.value.id)
    assert operator.execute(context()) == "Bad.Rating"


@pytest.mark.parametrize("mode", [{"wait_for_completion": True}, {"deferrable": True}])
def test_deadline(aws: Any, mode: Any) -> None:
    with pytest.raises(WaitTimeoutError, match="RUNNING"):
        run(start(machine(aws, SLOW), waiter_max_attempts=2, **mode), context())


def test_retry_takes_over_the_execution_of_its_crashed_attempt(aws: Any) -> None:
    run_id = unique("run")
    arn = machine(aws, SLOW)
    first = start(arn, retries=1).execute(context(run_id=run_id, max_tries=1))
    again = start(arn, retries=1).execute(context(run_id=run_id, max_tries=1, try_number=2))
    assert first == again


def test_other_task_starts_its_own(aws: Any) -> None:
    arn = machine(aws, SLOW)
    assert start(arn).execute(context(run_id="r", map_index=0)) != start(arn).execute(
        context(run_id="r", map_index=1)
    )


def test_redrive_needs_a_name(aws: Any) -> None:
    with pytest.raises(AirflowFailException, match="name"):
        start(machine(aws, FAIL), is_redrive_execution=True).execute(context())


def test_unknown_machine(aws: Any) -> None:
    with pytest.raises(AwsError, match="StateMachineDoesNotExist"):
        start("arn:aws:states:us-east-1:123456789012:stateMachine:none").execute(context())
