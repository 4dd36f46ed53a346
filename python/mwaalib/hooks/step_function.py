"""Hook of AWS Step Functions."""

from __future__ import annotations

import json
from typing import Any

from mwaalib.compat import AirflowFailException
from mwaalib.hooks.base_aws import AwsBaseHook


class StepFunctionHook(AwsBaseHook):
    """Talks to AWS Step Functions. For the parameters see `AwsBaseHook`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "stepfunctions"
        super().__init__(*args, **kwargs)

    def start_execution(
        self,
        state_machine_arn: str,
        name: str | None = None,
        state_machine_input: dict[str, Any] | str | None = None,
        is_redrive_execution: bool = False,
    ) -> str:
        """Start an execution (StartExecution), or redrive a failed one (RedriveExecution).

        :param state_machine_arn: ARN of the state machine.
        :param name: Name of the execution; needed for a redrive.
        :param state_machine_input: Input, as dict or as JSON text.
        :param is_redrive_execution: Whether the failed execution of that name is taken up again.
        :return: ARN of the execution.
        """
        if is_redrive_execution:
            return self.redrive_execution(state_machine_arn, name)
        request = execution_request(state_machine_arn, name, state_machine_input)
        self.log.info("Starting an execution of %s", state_machine_arn)
        return self.conn.call("StartExecution", request)["executionArn"]

    def redrive_execution(self, state_machine_arn: str, name: str | None) -> str:
        """Take up a failed execution again where it failed (RedriveExecution).

        :param state_machine_arn: ARN of the state machine.
        :param name: Name of the execution.
        :return: ARN of the execution.
        """
        if not name:
            raise AirflowFailException(
                f"the name of the execution is needed to redrive one of {state_machine_arn}"
            )
        arn = execution_arn(state_machine_arn, name)
        self.conn.call("RedriveExecution", {"executionArn": arn})
        self.log.info("Redriving execution %s", arn)
        return arn

    def describe_execution(self, execution_arn: str) -> dict[str, Any]:
        """Return the description of an execution (DescribeExecution).

        :param execution_arn: ARN of the execution.
        """
        return self.conn.call("DescribeExecution", {"executionArn": execution_arn})


def execution_arn(state_machine_arn: str, name: str) -> str:
    """Return the ARN of an execution.

    :param state_machine_arn: ARN of the state machine.
    :param name: Name of the execution.
    """
    prefix, machine = state_machine_arn.split(":stateMachine:")
    # A version or an alias of the machine is no part of an execution's ARN.
    return f"{prefix}:execution:{machine.split(':')[0]}:{name}"


def execution_request(
    state_machine_arn: str, name: str | None, state_machine_input: dict[str, Any] | list[Any] | str | None
) -> dict[str, Any]:
    """Return the StartExecution request.

    :param state_machine_arn: ARN of the state machine.
    :param name: Name of the execution; None leaves it to the job's key.
    :param state_machine_input: Input, as dict or as JSON text.
    """
    request: dict[str, Any] = {"stateMachineArn": state_machine_arn}
    if name is not None:
        request["name"] = name
    if isinstance(state_machine_input, str):
        request["input"] = state_machine_input
    elif state_machine_input is not None:
        request["input"] = json.dumps(state_machine_input)
    return request
