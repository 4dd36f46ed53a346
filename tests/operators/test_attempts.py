"""What a first attempt does and what a retry does, against a stub."""

from __future__ import annotations

import time
from typing import Any

import pytest
from mwaalib.exceptions import AwsError
from mwaalib.operators.emr import EmrAddStepsOperator, EmrCreateJobFlowOperator
from mwaalib.operators.glue import GlueJobOperator
from mwaalib.operators.step_function import StepFunctionStartExecutionOperator
from support.stub import Stub, error
from support.task import context
from support.work import cluster_request, step

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"


def test_first_attempts_of_one_run_id_start_each_their_own(stub: Stub) -> None:
    """A run that was deleted and made again, `dags test` twice, staging and production in one account."""
    runs: list[dict[str, Any]] = []

    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "StartJobRun":
            run = {"Id": f"jr_{len(runs)}", "JobRunState": "SUCCEEDED", "StartedOn": time.time()}
            runs.append({**run, "Arguments": body["Arguments"]})
            return {"JobRunId": runs[-1]["Id"]}
        return {"Job": {"Name": "j"}, "JobRuns": runs[::-1]}

    stub.answer = answer

    def attempt(number: int) -> str:
        task = GlueJobOperator(
            task_id="g", job_name="j", iam_role_arn="r", wait_for_completion=False, retries=1
        )
        return task.execute(context(run_id="scheduled__2024-01-01", try_number=number, max_tries=1))

    assert [attempt(1), attempt(1), attempt(2)] == ["jr_0", "jr_1", "jr_1"]
    assert stub.operations().count("GetJobRuns") == 1


def test_steps_find_the_cluster_that_our_own_operator_made(stub: Stub) -> None:
    clusters: list[dict[str, Any]] = []

    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "RunJobFlow":
            if any(tag["Key"] == "mwaalib:key" for tag in body.get("Tags", ())) and refuse:
                return error("AccessDeniedException", "explicit deny")
            clusters[:] = [{"Id": "j-1", "Name": body["Name"], "Status": {"State": "WAITING"}}]
            return {"JobFlowId": "j-1"}
        return {
            "ListClusters": {"Clusters": clusters},
            "DescribeCluster": {"Cluster": {"Id": "j-1", "Status": {"State": "WAITING"}}},
            "AddJobFlowSteps": {"StepIds": ["s-1"]},
        }[operation]

    stub.answer = answer
    for refuse in (False, True):
        EmrCreateJobFlowOperator(task_id="c", job_flow_overrides=cluster_request("nightly")).execute(
            context()
        )
        assert (clusters[0]["Name"] == "nightly") is not refuse
        steps = EmrAddStepsOperator(task_id="a", job_flow_name="nightly", steps=[step("true")])
        assert steps.execute(context()) == ["s-1"]


@pytest.mark.parametrize(("state", "again"), [("RUNNING", True), ("SUCCEEDED", True), ("FAILED", False)])
def test_a_retry_takes_over_what_was_redriven(stub: Stub, state: str, again: bool) -> None:
    def answer(operation: str, body: dict[str, Any]) -> Any:
        if operation == "RedriveExecution":
            return error("ExecutionNotRedrivable", "is not in a redrivable state")
        return {"executionArn": body["executionArn"], "status": state}

    stub.answer = answer

    def attempt(number: int) -> str:
        task = StepFunctionStartExecutionOperator(
            task_id="s", state_machine_arn=MACHINE, name="n", is_redrive_execution=True, retries=1
        )
        return task.execute(context(try_number=number, max_tries=1))

    with pytest.raises(AwsError, match="ExecutionNotRedrivable"):
        attempt(1)
    if again:
        assert attempt(2).endswith(":execution:m:n")
    else:
        with pytest.raises(AwsError, match="ExecutionNotRedrivable"):
            attempt(2)
