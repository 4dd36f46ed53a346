"""EMR's operators against the stand-in."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from mwaalib.exceptions import (
    ConnectionNotFoundError,
    JobFailedError,
    MwaalibError,
    RequestValidationError,
    WaitTimeoutError,
)
from mwaalib.operators.emr import (
    EmrAddStepsOperator,
    EmrCreateJobFlowOperator,
    EmrModifyClusterOperator,
    EmrTerminateJobFlowOperator,
)
from mwaalib.utils.waiter import WaitPolicy
from support.task import context, deferral, fire, run_deferred
from support.work import cluster, cluster_request, step, unique, until


def state(aws: Any, job_flow_id: str) -> str:
    return aws.client("emr").describe_cluster(ClusterId=job_flow_id)["Cluster"]["Status"]["State"]


def create(**kwargs: Any) -> EmrCreateJobFlowOperator:
    kwargs.setdefault("job_flow_overrides", cluster_request(unique("c")))
    return EmrCreateJobFlowOperator(task_id="create", waiter_delay=1, **kwargs)


def add(job_flow_id: str, *commands: str, **kwargs: Any) -> EmrAddStepsOperator:
    steps = [step(command, f"s{number}") for number, command in enumerate(commands)]
    return EmrAddStepsOperator(task_id="add", job_flow_id=job_flow_id, steps=steps, waiter_delay=1, **kwargs)


def test_create_returns_at_once_and_publishes_links(aws: Any) -> None:
    ctx = context()
    job_flow_id = create().execute(ctx)
    assert job_flow_id.startswith("j-")
    assert ctx["ti"].xcom["emr_cluster"] == {
        "region_name": "us-east-1", "aws_domain": "aws.amazon.com", "job_flow_id": job_flow_id,
    }  # fmt: skip
    assert ctx["ti"].xcom["emr_logs"]["log_uri"] == "logs/emr/"


@pytest.mark.parametrize("deferrable", [False, True])
def test_create_waits_until_up(aws: Any, deferrable: bool) -> None:
    operator = create(wait_for_completion=True, deferrable=deferrable)
    job_flow_id = (run_deferred if deferrable else type(operator).execute)(operator, context())
    assert state(aws, job_flow_id) in ("RUNNING", "WAITING")


def test_create_waits_until_steps_are_done(aws: Any) -> None:
    request = {**cluster_request(unique("c"), keep=False), "Steps": [step("true")]}
    operator = create(job_flow_overrides=request, wait_policy=WaitPolicy.WAIT_FOR_STEPS_COMPLETION)
    assert state(aws, operator.execute(context())) == "TERMINATED"


def test_create_takes_text(aws: Any) -> None:
    assert create(job_flow_overrides=repr(cluster_request("text"))).execute(context()).startswith("j-")


def test_create_starts_from_the_emr_connection(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    name = unique("from-connection")
    connection = {"conn_type": "emr", "extra": {**cluster_request("x"), "LogUri": "s3://other/"}}
    monkeypatch.setenv("AIRFLOW_CONN_EMR_BASE", json.dumps(connection))
    job_flow_id = create(emr_conn_id="emr_base", job_flow_overrides={"Name": name}).execute(context())
    assert aws.client("emr").describe_cluster(ClusterId=job_flow_id)["Cluster"]["LogUri"] == "s3://other/"


def test_create_with_a_missing_emr_connection_that_was_named(aws: Any) -> None:
    with pytest.raises(ConnectionNotFoundError, match="emr_base"):
        create(emr_conn_id="emr_base").execute(context())


def test_misspelt_request_is_refused_with_a_suggestion(aws: Any) -> None:
    request = cluster_request("x")
    request["Instances"]["InstanceGroup"] = request["Instances"].pop("InstanceGroups")
    with pytest.raises(RequestValidationError, match="InstanceGroups"):
        create(job_flow_overrides=request).execute(context())
    assert aws.calls().get("emr:RunJobFlow", 0) == 0


@pytest.mark.parametrize("deferrable", [False, True])
def test_cluster_is_terminated_when_the_wait_fails(aws: Any, deferrable: bool) -> None:
    operator = create(
        wait_policy=WaitPolicy.WAIT_FOR_STEPS_COMPLETION, waiter_max_attempts=1, deferrable=deferrable
    )
    ctx = context()
    with pytest.raises(WaitTimeoutError):
        (run_deferred if deferrable else type(operator).execute)(operator, ctx)
    job_flow_id = ctx["ti"].xcom["emr_cluster"]["job_flow_id"]
    until(lambda: state(aws, job_flow_id) in ("TERMINATING", "TERMINATED"))


def test_failed_cluster_says_why(aws: Any) -> None:
    operator = create(wait_for_completion=True)
    ctx = context()

    def fail() -> None:
        until(lambda: "emr_cluster" in ctx["ti"].xcom)
        aws.drive("emr_job_flow", ctx["ti"].xcom["emr_cluster"]["job_flow_id"], "TERMINATED_WITH_ERRORS")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(JobFailedError, match="TERMINATED_WITH_ERRORS"):
        operator.execute(ctx)
    thread.join()


def test_retry_takes_over_the_cluster_of_its_crashed_attempt(aws: Any) -> None:
    run_id = unique("run")
    request = cluster_request(unique("c"))
    first = create(job_flow_overrides=request, retries=2).execute(context(run_id=run_id, max_tries=2))
    again = create(job_flow_overrides=request, retries=2).execute(
        context(run_id=run_id, max_tries=2, try_number=2)
    )
    cleared = create(job_flow_overrides=request, retries=2).execute(
        context(run_id=run_id, max_tries=4, try_number=3)
    )
    assert first == again
    assert first != cleared


def test_killed_create_terminates_the_cluster(aws: Any) -> None:
    operator = create()
    job_flow_id = operator.execute(context())
    operator.on_kill()
    until(lambda: state(aws, job_flow_id) in ("TERMINATING", "TERMINATED"))


@pytest.mark.parametrize("mode", ["no wait", "blocking", "deferrable"])
def test_steps(aws: Any, mode: str) -> None:
    job_flow_id = cluster(aws)
    operator = add(
        job_flow_id, "true", "true", wait_for_completion=mode == "blocking", deferrable=mode == "deferrable"
    )
    ctx = context()
    ids = (run_deferred if mode == "deferrable" else type(operator).execute)(operator, ctx)
    assert len(ids) == 2
    assert ctx["ti"].xcom["job_flow_id"] == job_flow_id
    states = [
        aws.client("emr").describe_step(ClusterId=job_flow_id, StepId=one)["Step"]["Status"]["State"]
        for one in ids
    ]
    if mode != "no wait":
        assert states == ["COMPLETED", "COMPLETED"]


@pytest.mark.parametrize("deferrable", [False, True])
def test_failed_step_says_why(aws: Any, deferrable: bool) -> None:
    operator = add(
        cluster(aws), "echo no such rating >&2; exit 3", wait_for_completion=True, deferrable=deferrable
    )
    with pytest.raises(JobFailedError) as error:
        (run_deferred if deferrable else type(operator).execute)(operator, context())
    assert error.value.kind == "emr_step"
    assert error.value.state == "FAILED"


def test_steps_by_cluster_name(aws: Any) -> None:
    name = unique("named")
    job_flow_id = aws.client("emr").run_job_flow(**cluster_request(name))["JobFlowId"]
    ctx = context()
    operator = EmrAddStepsOperator(
        task_id="add", job_flow_name=name, cluster_states=["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"],
        steps=str([step("true")]),
    )  # fmt: skip
    operator.execute(ctx)
    assert ctx["ti"].xcom["job_flow_id"] == job_flow_id


def test_steps_of_a_cluster_nobody_has(aws: Any) -> None:
    operator = EmrAddStepsOperator(task_id="add", job_flow_name=unique("none"), steps=[])
    with pytest.raises(MwaalibError, match="no cluster has the name"):
        operator.execute(context())


@pytest.mark.parametrize("kwargs", [{}, {"job_flow_id": "j", "job_flow_name": "n"}])
def test_steps_need_one_way_to_the_cluster(kwargs: Any) -> None:
    with pytest.raises(MwaalibError, match="exactly one"):
        EmrAddStepsOperator(task_id="add", **kwargs)


def test_step_misspelt_deep_inside(aws: Any) -> None:
    wrong = {"Name": "x", "HadoopJarStep": {"Jar": "command-runner.jar", "Arg": ["true"]}}
    operator = EmrAddStepsOperator(task_id="add", job_flow_id=cluster(aws), steps=[wrong])
    with pytest.raises(RequestValidationError, match="Args"):
        operator.execute(context())


def test_retry_takes_over_the_steps_of_its_crashed_attempt(aws: Any) -> None:
    run_id = unique("run")
    job_flow_id = cluster(aws)
    first = add(job_flow_id, "sleep 5", retries=1).execute(context(run_id=run_id, max_tries=1))
    again = add(job_flow_id, "sleep 5", retries=1).execute(context(run_id=run_id, max_tries=1, try_number=2))
    assert first == again
    assert aws.calls()["emr:AddJobFlowSteps"] == 1


def test_modify(aws: Any) -> None:
    job_flow_id = cluster(aws)
    ctx = context()
    operator = EmrModifyClusterOperator(task_id="m", cluster_id=job_flow_id, step_concurrency_level=4)
    assert operator.execute(ctx) == 4
    assert ctx["ti"].xcom["cluster_id"] == job_flow_id
    assert aws.client("emr").describe_cluster(ClusterId=job_flow_id)["Cluster"]["StepConcurrencyLevel"] == 4


@pytest.mark.parametrize("deferrable", [False, True])
def test_terminate(aws: Any, deferrable: bool) -> None:
    job_flow_id = cluster(aws)
    operator = EmrTerminateJobFlowOperator(
        task_id="t", job_flow_id=job_flow_id, waiter_delay=1, deferrable=deferrable
    )
    assert (run_deferred if deferrable else type(operator).execute)(operator, context()) is None
    if deferrable:
        assert state(aws, job_flow_id) == "TERMINATED"


def test_deadline_is_kept_across_restarts_of_the_triggerer(aws: Any) -> None:
    operator = add(cluster(aws), "sleep 600", waiter_max_attempts=3, deferrable=True)
    ctx = context()
    deferred = deferral(operator, ctx)
    assert deferred.timeout.total_seconds() > 3
    time.sleep(1.5)  # the triggerer is down
    start = time.monotonic()
    event = asyncio.run(fire(deferred.trigger))
    assert time.monotonic() - start < 2.5
    with pytest.raises(WaitTimeoutError):
        operator.execute_complete(ctx, event)


def test_without_do_xcom_push_no_link_is_stored(aws: Any) -> None:
    ctx = context()
    create(do_xcom_push=False).execute(ctx)
    assert ctx["ti"].xcom == {}
