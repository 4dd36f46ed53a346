"""Links into the console: the same addresses as the incumbent's, and never a broken task."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from mwaalib.links import base_aws
from mwaalib.links.emr import EmrClusterLink, EmrLogsLink, get_log_uri
from mwaalib.links.step_function import StateMachineDetailsLink
from support.task import context

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:m:e"
CASES = [
    ("emr", "EmrClusterLink", {"job_flow_id": "j-1"}),
    ("emr", "EmrLogsLink", {"job_flow_id": "j-1", "log_uri": "bucket/prefix/"}),
    ("emr", "EmrLogsLink", {"job_flow_id": "j-1", "log_uri": None}),
    ("glue", "GlueJobRunDetailsLink", {"job_name": "a%20b", "job_run_id": "jr_1"}),
    ("step_function", "StateMachineDetailsLink", {"state_machine_arn": "arn:aws:states:x:1:stateMachine:m"}),
    ("step_function", "StateMachineDetailsLink", {}),
    ("step_function", "StateMachineExecutionsDetailsLink", {"execution_arn": EXECUTION}),
]


class Operator:
    def __init__(self, do_xcom_push: bool = True) -> None:
        self.do_xcom_push = do_xcom_push


@pytest.mark.parametrize(("module", "name", "values"), CASES)
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso"])
def test_address_is_the_incumbents(module: str, name: str, values: dict[str, Any], partition: str) -> None:
    theirs = getattr(importlib.import_module(f"airflow.providers.amazon.aws.links.{module}"), name)()
    ours = getattr(importlib.import_module(f"mwaalib.links.{module}"), name)()
    stored = {"region_name": "us-east-1", "aws_domain": ours.get_aws_domain(partition), **values}
    assert stored["aws_domain"] == theirs.get_aws_domain(partition)
    assert ours.format_link(**stored) == theirs.format_link(**stored)


def test_link_of_a_task_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = context()
    EmrClusterLink.persist(ctx, Operator(), "us-east-1", "aws", job_flow_id="j-1")
    monkeypatch.setattr(base_aws, "xcom_value", lambda key, ti_key: ctx["ti"].xcom.get(key))
    address = "https://console.aws.amazon.com/emr/home?region=us-east-1#/clusterDetails/j-1"
    assert EmrClusterLink().get_link(Operator(), ti_key=None) == address
    assert EmrLogsLink().get_link(Operator(), ti_key=None) == ""


def test_a_link_never_breaks_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no database")

    ctx = context()
    ctx["ti"].xcom_push = refuse
    StateMachineDetailsLink.persist(ctx, Operator(), "us-east-1", "aws", state_machine_arn="x")
    monkeypatch.setattr(base_aws, "xcom_value", refuse)
    assert StateMachineDetailsLink().get_link(Operator(), ti_key=None) == ""


def test_nothing_is_stored_without_do_xcom_push() -> None:
    ctx = context()
    EmrClusterLink.persist(ctx, Operator(do_xcom_push=False), "us-east-1", "aws", job_flow_id="j-1")
    assert ctx["ti"].xcom == {}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("s3://b/p/", "b/p/"), ("s3n://b/p/q", "b/p/q"), ("s3://b", "b/"), (None, None)],
)
def test_log_uri(uri: str | None, expected: str | None) -> None:
    cluster = {"Cluster": {"LogUri": uri} if uri else {}}
    assert get_log_uri(cluster=cluster) == expected


def test_log_uri_of_nothing() -> None:
    with pytest.raises(ValueError, match="cluster"):
        get_log_uri()
