"""The state tables, held against AWS's own enums as botocore has them. What each state means is written
here by hand, so that a wrong table cannot agree with itself."""

from __future__ import annotations

import json

import pytest
from mwaalib import _core
from mwaalib.exceptions import RequestValidationError

PENDING, SUCCESS, FAILURE = "pending", "success", "failure"
# Kind -> service and shapes whose enums name its states, and what each state means.
KINDS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "emr_job_flow": (
        "emr",
        ("ClusterState",),
        {
            "STARTING": PENDING,
            "BOOTSTRAPPING": PENDING,
            "RUNNING": PENDING,
            "WAITING": PENDING,
            "TERMINATING": PENDING,
            "TERMINATED": SUCCESS,
            "TERMINATED_WITH_ERRORS": FAILURE,
        },
    ),
    "emr_step": (
        "emr",
        ("StepState",),
        {
            "PENDING": PENDING,
            "CANCEL_PENDING": PENDING,
            "RUNNING": PENDING,
            "COMPLETED": SUCCESS,
            "CANCELLED": FAILURE,
            "FAILED": FAILURE,
            "INTERRUPTED": FAILURE,
        },
    ),
    "sfn_execution": (
        "stepfunctions",
        ("ExecutionStatus",),
        {
            "RUNNING": PENDING,
            "PENDING_REDRIVE": PENDING,
            "SUCCEEDED": SUCCESS,
            "FAILED": FAILURE,
            "TIMED_OUT": FAILURE,
            "ABORTED": FAILURE,
        },
    ),
    "glue_job_run": (
        "glue",
        ("JobRunState",),
        {
            "STARTING": PENDING,
            "RUNNING": PENDING,
            "STOPPING": PENDING,
            "WAITING": PENDING,
            "SUCCEEDED": SUCCESS,
            "STOPPED": FAILURE,
            "FAILED": FAILURE,
            "TIMEOUT": FAILURE,
            "ERROR": FAILURE,
            "EXPIRED": FAILURE,
        },
    ),
    # A crawler rests in READY; its last crawl tells how it went.
    "glue_crawler": (
        "glue",
        ("CrawlerState", "LastCrawlStatus"),
        {
            "READY": PENDING,
            "RUNNING": PENDING,
            "STOPPING": PENDING,
            "SUCCEEDED": SUCCESS,
            "CANCELLED": FAILURE,
            "FAILED": FAILURE,
        },
    ),
    "ssm_command": (
        "ssm",
        ("CommandInvocationStatus",),
        {
            "Pending": PENDING,
            "InProgress": PENDING,
            "Delayed": PENDING,
            "Cancelling": PENDING,
            "Success": SUCCESS,
            "Cancelled": FAILURE,
            "TimedOut": FAILURE,
            "Failed": FAILURE,
        },
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_of_aws_is_known_for_what_it_is(kind: str) -> None:
    from botocore.session import Session

    service, shapes, meaning = KINDS[kind]
    model = Session().get_service_model(service)
    assert set(meaning) == {state for shape in shapes for state in model.shape_for(shape).enum}
    table = {state: phase for phase, states in json.loads(_core.states(kind)).items() for state in states}
    assert {state: table.get(state) for state in meaning} == meaning


def test_every_kind_has_its_table_here() -> None:
    session = _core.Session(json.dumps({"region": "x", "access_key_id": "a", "secret_access_key": "b"}))
    with pytest.raises(RequestValidationError, match="known are ") as raised:
        session.wait(json.dumps({"kind": "no_such_kind", "ids": ["x"]}))
    assert str(raised.value).partition("known are ")[2].split(", ") == list(KINDS)
