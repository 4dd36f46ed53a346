"""Operators of AWS Step Functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable
from mwaalib.exceptions import AwsError
from mwaalib.hooks.step_function import StepFunctionHook, execution_arn, execution_request
from mwaalib.job import Job, Started, is_retry, timeout_of
from mwaalib.links.step_function import StateMachineDetailsLink, StateMachineExecutionsDetailsLink
from mwaalib.operators.base_aws import AwsBaseOperator, aws_template_fields

if TYPE_CHECKING:
    from mwaalib.compat import Context


class StepFunctionStartExecutionOperator(AwsBaseOperator[StepFunctionHook]):
    """Starts an execution of a state machine (Step Functions StartExecution).

    A retry takes over the execution that a crashed attempt of the same task started.

    :param state_machine_arn: ARN of the state machine. (templated)
    :param name: Name of the execution; without one it is made of the task instance. (templated)
    :param is_redrive_execution: Whether the failed execution of that name is taken up where it
        failed, instead of a new one. (templated)
    :param state_machine_input: Input, as dict or as JSON text. (templated)
    :param waiter_max_attempts: Looks until the wait gives up.
    :param waiter_delay: Seconds between looks.
    :param deferrable: Whether to wait in the triggerer; implies waiting.
    :param wait_for_completion: Whether to wait in the worker.
    :return: ARN of the execution.
    :raises JobFailedError: when the execution failed, with the failing state, its error and cause.
    """

    aws_hook_class = StepFunctionHook
    template_fields: Sequence[str] = aws_template_fields(
        "state_machine_arn", "name", "state_machine_input", "is_redrive_execution"
    )
    ui_color = "#f9c915"
    operator_extra_links = (StateMachineDetailsLink(), StateMachineExecutionsDetailsLink())

    def __init__(
        self,
        *,
        state_machine_arn: str,
        name: str | None = None,
        is_redrive_execution: bool = False,
        state_machine_input: dict[str, Any] | str | None = None,
        waiter_max_attempts: int = 30,
        waiter_delay: int = 60,
        deferrable: bool = default_deferrable(),
        wait_for_completion: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.state_machine_arn = state_machine_arn
        self.name = name
        self.is_redrive_execution = is_redrive_execution
        self.state_machine_input = state_machine_input
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.deferrable = deferrable
        self.wait_for_completion = wait_for_completion

    def execute(self, context: Context) -> str:
        self._publish(StateMachineDetailsLink, context, state_machine_arn=self.state_machine_arn)
        job = Job(
            kind="sfn_execution",
            request=execution_request(self.state_machine_arn, self.name, self.state_machine_input),
            delay=self.waiter_delay,
            timeout=timeout_of(self.waiter_delay, self.waiter_max_attempts),
        )
        wait = self.wait_for_completion or self.deferrable
        if not _truth(self.is_redrive_execution):
            return self.run_job(context, job, wait=wait, deferrable=self.deferrable)
        started = self._redrive(context)
        self.job_started(context, started)
        pending = job.wait_for(started)
        return (
            self.wait_job(context, pending, deferrable=self.deferrable)
            if wait
            else self.job_done(context, pending)
        )

    def _redrive(self, context: Context) -> Started:
        try:
            return Started(ids=[self.hook.redrive_execution(self.state_machine_arn, self.name)])
        except AwsError as error:
            if error.code != "ExecutionNotRedrivable" or not is_retry(context):
                raise
            # An earlier attempt of this task may have redriven it.
            arn = execution_arn(self.state_machine_arn, str(self.name))
            state = self.hook.describe_execution(arn)["status"]
            if state not in ("RUNNING", "PENDING_REDRIVE", "SUCCEEDED"):
                raise
            self.log.info("Execution %s has been redriven already (%s): taking it over", arn, state)
            return Started(ids=[arn], reattached="succeeded" if state == "SUCCEEDED" else "pending")

    def job_started(self, context: Context, started: Started) -> None:
        self._publish(StateMachineExecutionsDetailsLink, context, execution_arn=started.ids[0])


class StepFunctionGetExecutionOutputOperator(AwsBaseOperator[StepFunctionHook]):
    """Returns what an execution gave (Step Functions DescribeExecution).

    :param execution_arn: ARN of the execution. (templated)
    :return: The output as value, else the error (as value where it is JSON, else as text), else None.
    """

    aws_hook_class = StepFunctionHook
    template_fields: Sequence[str] = aws_template_fields("execution_arn")
    ui_color = "#f9c915"
    operator_extra_links = (StateMachineExecutionsDetailsLink(),)

    def __init__(self, *, execution_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.execution_arn = execution_arn

    def execute(self, context: Context) -> Any:
        self._publish(StateMachineExecutionsDetailsLink, context, execution_arn=self.execution_arn)
        found = self.hook.describe_execution(self.execution_arn)
        if found.get("output") is not None:
            return json.loads(found["output"])
        error = found.get("error")
        if error is None:
            return None
        try:
            return json.loads(error)
        except json.JSONDecodeError:
            return error


def _truth(value: Any) -> bool:
    # Templates give text.
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)
