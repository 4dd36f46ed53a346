"""The declarations behind every job."""

from __future__ import annotations

import datetime
import enum
import json
import logging
import re
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from mwaalib import _json
from mwaalib.exceptions import InternalError
from mwaalib.job import Job, JobOperator, Wait, as_list, job_key, log_event, read_event, timeout_of
from support.task import TaskInstance, context


def key(retries: int = 0, part: str = "", **ti: Any) -> str | None:
    return job_key(context(**{"run_id": "r", **ti}), retries, part)


def test_key_is_the_same_for_retries_and_another_after_a_clear() -> None:
    first = key(retries=2, max_tries=2, try_number=1)
    assert key(retries=2, max_tries=2, try_number=3) == first
    assert key(retries=2, max_tries=5, try_number=4) != first


@pytest.mark.parametrize(
    "change", [{"dag_id": "x"}, {"task_id": "x"}, {"run_id": "x"}, {"map_index": 3}, {"part": "x"}]
)
def test_key_tells_tasks_apart(change: dict[str, Any]) -> None:
    assert key(**change) != key()


@pytest.mark.parametrize("task_id", ["t", "group.tâsk é " * 30, "x" * 250])
def test_key_fits_every_service(task_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key(task_id=task_id) or "")


def test_key_outside_a_task() -> None:
    assert job_key({}, 0) is None


def test_job_goes_over_as_json() -> None:
    job = Job(kind="emr_step", request={"a": None, "b": datetime.datetime(2026, 1, 1), "c": ("x",)})
    assert json.loads(job.to_json("k")) == {
        "kind": "emr_step", "request": {"b": 1767225600.0, "c": ["x"]}, "key": "k", "reuse": True,
    }  # fmt: skip
    assert json.loads(job.to_json("k", reuse=False, since=5.0))["reuse"] is False
    assert json.loads(job._replace(reuse=True).to_json("k", reuse=False, since=5.0))["reuse"] is True


@pytest.mark.parametrize("variable", ["AIRFLOW_ENV_NAME", "AIRFLOW__MWAALIB__DEPLOYMENT"])
def test_key_tells_deployments_apart(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    nowhere = key()
    monkeypatch.setenv(variable, "staging")
    staging = key()
    monkeypatch.setenv(variable, "production")
    assert len({nowhere, staging, key()}) == 3


class Session:
    """Notes what a start asks for."""

    def start(self, text: str) -> str:
        self.asked = json.loads(text)
        return '{"ids": ["i"]}'


class Task(JobOperator):
    retries, log = 1, logging.getLogger("task")

    def __init__(self) -> None:
        self.hook = SimpleNamespace(session=Session())

    def asks(self, job: Job, **ti: Any) -> dict[str, Any]:
        began = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        self.run_job({**context(**ti), "dag_run": SimpleNamespace(start_date=began)}, job, wait=False)
        return self.hook.session.asked


def test_only_a_retry_looks_for_an_earlier_job() -> None:
    job = Job(kind="emr_step", request={})
    first, retry = Task().asks(job), Task().asks(job, try_number=2)
    assert (first["reuse"], retry["reuse"]) == (False, True)
    assert first["key"]
    assert first["since"] == 1767225600.0
    # A crawler has one crawl at a time, which a first attempt may well join.
    assert Task().asks(job._replace(reuse=True))["reuse"] is True


def test_a_start_that_takes_over_nothing_carries_no_key() -> None:
    asked = Task().asks(Job(kind="glue_job_run", request={}, reuse=False), try_number=2)
    assert "key" not in asked


class Color(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), 1767225600.0),
        (datetime.date(2026, 1, 1), 1767225600.0),
        (b"ab", "YWI="),
        (Decimal("2"), 2),
        (Decimal("2.5"), 2.5),
        ({"b", "a"}, ["a", "b"]),
        (Color.RED, "red"),
    ],
)
def test_values_that_boto3_takes(value: Any, expected: Any) -> None:
    assert json.loads(_json.dumps({"v": value})) == {"v": expected}


def test_value_that_no_request_can_hold() -> None:
    with pytest.raises(TypeError, match="TaskInstance"):
        _json.dumps({"v": TaskInstance()})


def test_deadline_is_absolute() -> None:
    wait = Wait(kind="k", ids=["i"]).within(60)
    assert abs((wait.deadline or 0) - time.time() - 60) < 1
    assert Wait.from_dict(json.loads(wait.to_json())) == wait
    assert wait.within(None).deadline is None


def test_timeout_of() -> None:
    assert timeout_of(30, 60) == 1800
    assert timeout_of(30, None) is None


def test_states_after_a_template() -> None:
    assert as_list("RUNNING") == ["RUNNING"]
    assert as_list(("A", "B")) == ["A", "B"]
    assert as_list(None) is None


@pytest.mark.parametrize("event", [None, {}, {"status": "success"}])
def test_event_of_something_else(event: Any) -> None:
    with pytest.raises(InternalError, match="not an event"):
        read_event(event)


def test_events_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("task")
    with caplog.at_level(logging.INFO):
        log_event(
            log, '{"type": "state", "kind": "emr_step", "id": "s-1", "state": "RUNNING", "previous": null}'
        )
        log_event(log, '{"type": "log", "id": "jr", "stream": "error", "message": "a line\\n"}')
        log_event(log, '{"type": "notice", "message": "every 12 s instead of 6"}')
    assert caplog.messages == ["emr_step s-1: RUNNING", "[error] a line", "every 12 s instead of 6"]
