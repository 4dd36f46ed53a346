"""Sensors against the stand-in: poke, reschedule and deferrable."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException
from mwaalib.exceptions import JobFailedError
from mwaalib.sensors.emr import EmrJobFlowSensor, EmrStepSensor
from mwaalib.sensors.glue import GlueJobSensor
from mwaalib.sensors.glue_crawler import GlueCrawlerSensor
from mwaalib.sensors.step_function import StepFunctionExecutionSensor
from support.task import context, run_deferred
from support.work import FAIL, PASS, SLOW, cluster, glue_job, machine, step, unique

MODES = ["poke", "reschedule", "deferrable"]


class Work:
    """One piece of work of a kind, a sensor for it, and how to end it."""

    def __init__(self, aws: Any, kind: str) -> None:
        self.aws, self.kind = aws, kind
        getattr(self, f"_{kind}")()

    def _emr_job_flow(self) -> None:
        self.id, self.parent = cluster(self.aws, "RUNNING"), None
        self.sensor, self.good, self.bad = EmrJobFlowSensor, "TERMINATED", "TERMINATED_WITH_ERRORS"
        self.arguments = {"job_flow_id": self.id}

    def _emr_step(self) -> None:
        self.parent = cluster(self.aws)
        request = {"JobFlowId": self.parent, "Steps": [step("sleep 60")]}
        self.id = self.aws.client("emr").add_job_flow_steps(**request)["StepIds"][0]
        self.sensor, self.good, self.bad = EmrStepSensor, "COMPLETED", "FAILED"
        self.arguments = {"job_flow_id": self.parent, "step_id": self.id}

    def _sfn_execution(self) -> None:
        client = self.aws.client("stepfunctions")
        self.id = client.start_execution(stateMachineArn=machine(self.aws, SLOW))["executionArn"]
        self.parent = None
        self.sensor, self.good, self.bad = StepFunctionExecutionSensor, "SUCCEEDED", "FAILED"
        self.arguments = {"execution_arn": self.id}

    def _glue_job_run(self) -> None:
        name = unique("job")
        glue_job(self.aws, name)
        self.id, self.parent = self.aws.client("glue").start_job_run(JobName=name)["JobRunId"], None
        self.aws.drive("glue_job_run", self.id, "RUNNING")
        self.sensor, self.good, self.bad = GlueJobSensor, "SUCCEEDED", "FAILED"
        self.arguments = {"job_name": name, "run_id": self.id}

    def _glue_crawler(self) -> None:
        self.id, self.parent = unique("crawler"), None
        request = {
            "Name": self.id,
            "Role": "r",
            "DatabaseName": "d",
            "Targets": {"S3Targets": [{"Path": "s3://b/"}]},
        }
        self.aws.client("glue").create_crawler(**request)
        self.aws.client("glue").start_crawler(Name=self.id)
        self.aws.drive("glue_crawler", self.id, "RUNNING")
        self.sensor, self.good, self.bad = GlueCrawlerSensor, "SUCCEEDED", "FAILED"
        self.arguments = {"crawler_name": self.id}

    def end(self, state: str, **fields: Any) -> None:
        self.aws.drive(
            self.kind, self.id, state, **({"parent": self.parent} if self.parent else {}), **fields
        )

    def make(self, mode: str, **kwargs: Any) -> Any:
        how = {"deferrable": True} if mode == "deferrable" else {"mode": mode}
        return self.sensor(task_id="s", poke_interval=1, **self.arguments, **how, **kwargs)


KINDS = ["emr_job_flow", "emr_step", "sfn_execution", "glue_job_run", "glue_crawler"]


@pytest.fixture(params=KINDS)
def work(request: pytest.FixtureRequest, aws: Any) -> Work:
    return Work(aws, request.param)


def run(sensor: Any, mode: str, ctx: Any = None) -> Any:
    ctx = ctx or context()
    if mode == "deferrable":
        return run_deferred(sensor, ctx)
    return sensor.execute(ctx)


@pytest.mark.parametrize("mode", MODES)
def test_end_is_seen(work: Work, mode: str) -> None:
    work.end(work.good)
    assert run(work.make(mode), mode) is None


@pytest.mark.parametrize("mode", MODES)
def test_failure_says_why(work: Work, mode: str) -> None:
    work.end(work.bad, message="the disk was full")
    with pytest.raises(JobFailedError) as error:
        run(work.make(mode), mode)
    assert error.value.kind == work.kind
    assert error.value.state == work.bad


def test_blocking_wait_sees_the_end_when_it_comes(work: Work) -> None:
    timer = threading.Timer(1.5, work.end, [work.good])
    timer.start()
    start = time.monotonic()
    work.make("poke").execute(context())
    assert 1.2 < time.monotonic() - start < 8
    timer.join()


def test_reschedule_looks_once(work: Work) -> None:
    sensor = work.make("reschedule")
    with pytest.raises(AirflowRescheduleException):
        sensor.execute(context())


def test_poke_alone_looks_once(work: Work) -> None:
    assert work.make("poke").poke(context()) is False


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_timeout_is_airflows(work: Work, mode: str) -> None:
    limits = {"timeout": 2}
    if "max_attempts" in type(work.make("poke")).__init__.__annotations__:
        limits["max_attempts"] = 2
    if work.kind == "glue_job_run":
        limits["max_retries"] = 2
    with pytest.raises(AirflowSensorTimeout):
        run(work.make(mode, **limits), mode)


def test_timeout_with_soft_fail_skips(work: Work) -> None:
    with pytest.raises(AirflowSkipException):
        work.make("poke", timeout=2, soft_fail=True).execute(context())


def test_never_fail_skips(aws: Any) -> None:
    work = Work(aws, "sfn_execution")
    work.end(work.bad)
    with pytest.raises(AirflowSkipException):
        work.make("poke", never_fail=True).execute(context())


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_output_goes_to_xcom(aws: Any, mode: str) -> None:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine(aws, PASS), input='{"stars": 5}')["executionArn"]
    ctx = context()
    how = {"deferrable": True} if mode == "deferrable" else {}
    run(StepFunctionExecutionSensor(task_id="s", execution_arn=arn, poke_interval=1, **how), mode, ctx)
    assert ctx["ti"].xcom["output"] == {"stars": 5}


def test_cause_of_a_failed_execution(aws: Any) -> None:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine(aws, FAIL))["executionArn"]
    with pytest.raises(JobFailedError, match="no stars"):
        StepFunctionExecutionSensor(task_id="s", execution_arn=arn, poke_interval=1).execute(context())


@pytest.mark.parametrize("mode", MODES)
def test_other_target_states(aws: Any, mode: str) -> None:
    job_flow_id = cluster(aws, "WAITING")
    how = {"deferrable": True} if mode == "deferrable" else {"mode": mode}
    ctx = context()
    sensor = EmrJobFlowSensor(
        task_id="s", job_flow_id=job_flow_id, target_states=["RUNNING", "WAITING"], poke_interval=1, **how
    )
    run(sensor, mode, ctx)
    assert ctx["ti"].xcom["emr_cluster"]["job_flow_id"] == job_flow_id
    assert ctx["ti"].xcom["emr_logs"]["log_uri"] == "logs/emr/"


def test_own_poke_of_a_user_is_respected(aws: Any) -> None:
    looks: list[int] = []

    class Mine(EmrJobFlowSensor):
        def poke(self, context: Any) -> bool:
            looks.append(1)
            return len(looks) == 2

    Mine(task_id="s", job_flow_id="j-1", poke_interval=0.1).execute(context())
    assert len(looks) == 2
