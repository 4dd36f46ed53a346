"""Step Functions API: executions answer as AWS's do.

moto's executing backend names every unnamed execution ``None``, drops the error and cause of
StopExecution, ignores the paging and order of GetExecutionHistory, answers 500 when an output
holds a time, leaves out a TIMED_OUT execution's stopDate, and state machines made by
CloudFormation land in the backend that executes nothing.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Turn the executing backend on and mend its answers."""
    import moto.stepfunctions.models as models
    import moto.stepfunctions.responses as responses
    from moto.core.config import default_user_config
    from moto.core.responses import ActionResult
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

    default_user_config.setdefault("stepfunctions", {})["execute_state_machine"] = True  # type: ignore[typeddict-item]
    models.stepfunctions_backends = stepfunctions_parser_backends
    start_execution = StepFunctionsParserBackend.start_execution

    def start(self: Any, state_machine_arn: str, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *args, **kwargs)

    def describe(self: Any) -> Any:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        answer = {k: v for k, v in execution.to_describe_output().items() if v is not None}
        answer["status"] = execution.status
        answer["input"] = execution.execution_input
        if execution.status == "RUNNING":
            answer.pop("stopDate", None)
        return ActionResult(answer)

    def stop(self: Any) -> Any:
        from moto.core.utils import utcnow

        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.error, execution.cause = self._get_param("error"), self._get_param("cause")
            execution.stop_date = utcnow()
            execution.exec_status = ExecutionStatus.ABORTED
            if execution.exec_worker and execution.exec_worker.env:
                execution.stop(execution.stop_date, execution.error, execution.cause)
        return ActionResult({"stopDate": execution.stop_date})

    def history(self: Any) -> Any:
        arn = self._get_param("executionArn")
        execution = self.stepfunction_backend.describe_execution(arn)
        worker = execution.exec_worker
        events = list(execution.to_history_output()["events"]) if worker and worker.env else []
        if self._get_param("reverseOrder"):
            events.reverse()
        if self._get_param("includeExecutionData") is False:
            events = [_without_data(event) for event in events]
        start, size = int(self._get_param("nextToken") or 0), int(self._get_param("maxResults") or 100)
        answer: dict[str, Any] = {"events": events[start : start + size]}
        if len(events) > start + size:
            answer["nextToken"] = str(start + size)
        return ActionResult(answer)

    def listed(self: Any) -> Any:
        backend, arn = self.stepfunction_backend, self._get_param("stateMachineArn")
        found, token = backend.list_executions(
            arn,
            status_filter=self._get_param("statusFilter"),
            max_results=self._get_int_param("maxResults"),
            next_token=self._get_param("nextToken"),
        )
        items = []
        for execution in found:
            item = dict(execution.to_execution_list_item(), status=execution.status)
            if execution.status == "RUNNING":
                item.pop("stopDate", None)
            items.append({k: v for k, v in item.items() if v is not None})
        return ActionResult({"executions": items, "nextToken": token})

    StepFunctionsParserBackend.start_execution = start
    responses.StepFunctionResponse.describe_execution = describe
    responses.StepFunctionResponse.stop_execution = stop
    responses.StepFunctionResponse.get_execution_history = history
    responses.StepFunctionResponse.list_executions = listed
    StepFunctionsParserBackend.stop_all = _stop_all
    _keep_aborted()


def _stop_all(self: Any) -> None:
    """Stop the running executions of a backend."""
    for machine in self.state_machines:
        for execution in machine.executions:
            worker = execution.exec_worker
            if execution.status == "RUNNING" and worker and worker.env:
                execution.stop(execution.start_date, None, None)


def _keep_aborted() -> None:
    """Once an execution was stopped or driven by a test, what its worker does later no longer changes it."""
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    def reflected(self: Any) -> None:
        driven = getattr(self.execution, "driven", False)
        if not driven and self.execution.exec_status != ExecutionStatus.ABORTED:
            reflect(self)

    BaseExecutionWorkerCommunication._reflect_execution_status = reflected


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if k not in ("input", "output", "parameters")}
        kept[name] = value
    return kept
