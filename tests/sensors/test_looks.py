"""What single looks make of what they see, against a stub."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from mwaalib.exceptions import JobFailedError, MwaalibError
from mwaalib.sensors.emr import EmrBaseSensor, EmrJobFlowSensor
from mwaalib.sensors.glue_crawler import GlueCrawlerSensor
from support.stub import Stub
from support.task import context, deferral


def clusters_are(state: str) -> Any:
    return lambda operation, body: {"Cluster": {"Id": "j-1", "Status": {"State": state}}}


def cluster_sensor(target: Any, **kwargs: Any) -> EmrJobFlowSensor:
    return EmrJobFlowSensor(
        task_id="s", job_flow_id="j-1", target_states=target, poke_interval=1, timeout=20, **kwargs
    )


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_final_state_that_is_not_the_target_fails(stub: Stub, mode: str) -> None:
    stub.answer = clusters_are("TERMINATED")
    with pytest.raises(JobFailedError, match="TERMINATED"):
        cluster_sensor(["RUNNING", "WAITING"], mode=mode).execute(context())
    stub.answer = clusters_are("STARTING")
    with pytest.raises(AirflowRescheduleException):
        cluster_sensor(["RUNNING", "WAITING"], mode="reschedule").execute(context())


@pytest.mark.parametrize("text", ["['RUNNING', 'WAITING']", '["WAITING"]', "WAITING"])
def test_states_that_a_template_made_text_of(stub: Stub, text: str) -> None:
    stub.answer = clusters_are("WAITING")
    cluster_sensor(text).execute(context())


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}])
def test_a_state_that_there_is_not_is_refused(stub: Stub, how: Any) -> None:
    stub.answer = clusters_are("WAITING")
    with pytest.raises(
        MwaalibError, match="target_states: emr_job_flow has no state 'WAITNG', did you mean 'WAITING'"
    ):
        cluster_sensor(["WAITNG"], **how).execute(context())


class Custom(EmrBaseSensor):
    """As the incumbent documents it: three methods and the states."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_states = ["DONE"]
        self.failed_states = ["LOST"]
        self.states = iter(["BUSY", kwargs["params"]["end"]])

    def get_emr_response(self, context: Any) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "State": next(self.states)}

    @staticmethod
    def state_from_response(response: dict[str, Any]) -> str:
        return response["State"]

    @staticmethod
    def failure_message_from_response(response: dict[str, Any]) -> str | None:
        return "it rained"


def test_a_sensor_of_the_users_own() -> None:
    Custom(task_id="s", poke_interval=0.01, params={"end": "DONE"}).execute(context())
    with pytest.raises(MwaalibError, match="it rained"):
        Custom(task_id="s", poke_interval=0.01, params={"end": "LOST"}).execute(context())
    with pytest.raises(AirflowRescheduleException):
        Custom(task_id="s", mode="reschedule", params={"end": "DONE"}).execute(context())


def test_a_users_reading_of_the_reply_counts(stub: Stub) -> None:
    stub.answer = clusters_are("STARTING")

    class Mine(EmrJobFlowSensor):
        @staticmethod
        def state_from_response(response: dict[str, Any]) -> str:
            return "WAITING"

    Mine(task_id="s", job_flow_id="j-1", target_states=["WAITING"], poke_interval=0.1, timeout=5).execute(
        context()
    )


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}])
def test_a_crawler_that_never_ran_has_nothing_to_wait_for(stub: Stub, how: Any) -> None:
    stub.answer = lambda operation, body: {"Crawler": {"Name": "c", "State": "READY"}}
    with pytest.raises(MwaalibError, match="has never run"):
        GlueCrawlerSensor(task_id="s", crawler_name="c", poke_interval=1, timeout=5, **how).execute(context())
    stub.answer = lambda operation, body: {"Crawler": {"Name": "c", "State": "RUNNING"}}
    deferral(GlueCrawlerSensor(task_id="s", crawler_name="c", deferrable=True), context())
