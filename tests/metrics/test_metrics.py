"""The core's counters, in Python and in Airflow's metrics."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from mwaalib import metrics


class Stats:
    def __init__(self, broken: bool = False) -> None:
        self.gauges: dict[str, float] = {}
        self.counts: dict[str, float] = {}
        self.broken = broken

    def gauge(self, name: str, value: float) -> None:
        if self.broken:
            raise OSError("statsd is gone")
        self.gauges[name] = value

    def incr(self, name: str, count: float) -> None:
        self.counts[name] = self.counts.get(name, 0) + count


@pytest.fixture(autouse=True)
def _never_published() -> None:
    metrics._forget()


def counted(calls: int, waits: int = 2) -> dict[str, Any]:
    return {
        "waits_active": waits,
        "apis": {"emr:ListSteps": {"calls": calls, "throttled": 0}},
        "poll_lag": {"sum": 0.5 * calls, "max": 0.25},
        "note": "text",
    }


def test_names() -> None:
    assert dict(metrics.flat(counted(3))) == {
        "mwaalib.waits_active": 2.0,
        "mwaalib.apis.emr.ListSteps.calls": 3.0,
        "mwaalib.apis.emr.ListSteps.throttled": 0.0,
        "mwaalib.poll_lag.sum": 1.5,
        "mwaalib.poll_lag.max": 0.25,
    }


def test_airflow_takes_every_name_of_the_core(aws: Any) -> None:
    from airflow.sdk._shared.observability.metrics.validators import stat_name_default_handler
    from mwaalib.hooks.step_function import StepFunctionHook
    from support.work import SLOW, machine

    client, arn = aws.client("stepfunctions"), machine(aws, SLOW)
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    aws.drive("sfn_execution", execution, "SUCCEEDED", output={})
    StepFunctionHook().wait("sfn_execution", [execution], delay=0.5, timeout=30)
    names = dict(metrics.flat(metrics.snapshot()))
    assert any(name.startswith("mwaalib.apis.sfn.") for name in names)
    for name in names:
        assert stat_name_default_handler(name) == name


def test_growth_is_counted_and_levels_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    monkeypatch.setattr(metrics, "stats", lambda: stats)
    monkeypatch.setattr(metrics, "INTERVAL", 0.0)
    for calls, waits in ((3, 2), (3, 5), (7, 1)):
        monkeypatch.setattr(metrics, "snapshot", lambda calls=calls, waits=waits: counted(calls, waits))
        assert metrics.publish()
    assert stats.gauges == {"mwaalib.waits_active": 1, "mwaalib.poll_lag.max": 0.25}
    assert stats.counts == {"mwaalib.apis.emr.ListSteps.calls": 7, "mwaalib.poll_lag.sum": 3.5}


def test_a_forked_child_counts_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    monkeypatch.setattr(metrics, "stats", lambda: stats)
    monkeypatch.setattr(metrics, "snapshot", lambda: counted(3))
    assert metrics.publish()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            stats.counts.clear()
            monkeypatch.setattr(metrics, "snapshot", lambda: counted(1))
            metrics.publish()
            os.write(write, json.dumps(stats.counts).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert json.loads(os.read(read, 10_000))["mwaalib.apis.emr.ListSteps.calls"] == 1


def test_published_at_most_once_per_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    monkeypatch.setattr(metrics, "stats", lambda: stats)
    assert metrics.publish()
    assert "mwaalib.waits_active" in stats.gauges
    assert not metrics.publish()


@pytest.mark.parametrize("client", [None, Stats(broken=True)])
def test_nothing_to_publish_to(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    monkeypatch.setattr(metrics, "stats", lambda: client)
    assert not metrics.publish()


def test_airflows_client_is_found() -> None:
    from mwaalib.compat import stats

    assert callable(stats().gauge)
    assert callable(stats().incr)
