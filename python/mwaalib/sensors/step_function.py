"""Sensor of AWS Step Functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable
from mwaalib.hooks.step_function import StepFunctionHook
from mwaalib.job import Wait
from mwaalib.operators.base_aws import aws_template_fields
from mwaalib.sensors.base_aws import AwsBaseSensor

if TYPE_CHECKING:
    from mwaalib.compat import Context


class StepFunctionExecutionSensor(AwsBaseSensor[StepFunctionHook]):
    """Waits until an execution of a state machine has succeeded; its output goes to XCom `output`.

    :param execution_arn: ARN of the execution. (templated)
    :param deferrable: Whether to wait in the triggerer, for at most `timeout` seconds.
    :raises JobFailedError: when the execution failed, with the failing state, its error and cause.
    """

    INTERMEDIATE_STATES = ("RUNNING", "PENDING_REDRIVE")
    FAILURE_STATES = ("FAILED", "TIMED_OUT", "ABORTED")
    SUCCESS_STATES = ("SUCCEEDED",)

    aws_hook_class = StepFunctionHook
    template_fields: Sequence[str] = aws_template_fields("execution_arn")
    ui_color = "#66c3ff"

    def __init__(self, *, execution_arn: str, deferrable: bool = default_deferrable(), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.execution_arn = execution_arn
        self.deferrable = deferrable

    def sensor_wait(self) -> Wait:
        return Wait(kind="sfn_execution", ids=[self.execution_arn], delay=self.poke_interval)

    def look(self, context: Context) -> str:
        return self.hook.describe_execution(self.execution_arn)["status"]

    def job_done(self, context: Context, wait: Wait) -> None:
        output = self.hook.describe_execution(self.execution_arn).get("output")
        context["ti"].xcom_push(key="output", value=None if output is None else json.loads(output))
