"""The core's counters, in Python and in Airflow's metrics."""

from __future__ import annotations

from typing import Any

import pytest
from mwaalib import metrics


class Stats:
    def __init__(self, broken: bool = False) -> None:
        self.gauges: dict[str, float] = {}
        self.broken = broken

    def gauge(self, name: str, value: float) -> None:
        if self.broken:
            raise OSError("statsd is gone")
        self.gauges[name] = value


@pytest.fixture(autouse=True)
def _never_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_published_at", 0.0)


def test_names() -> None:
    counters = {
        "waits_active": 2,
        "calls": {"emr": {"DescribeStep": {"calls": 3}}},
        "note": "text",
        "on": True,
    }
    assert dict(metrics.flat(counters)) == {
        "mwaalib.waits_active": 2.0,
        "mwaalib.calls.emr.DescribeStep.calls": 3.0,
        "mwaalib.on": 1.0,
    }


def test_counters_of_the_core() -> None:
    assert "waits_started" in metrics.snapshot()


def test_published_at_most_once_per_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    monkeypatch.setattr(metrics, "stats", lambda: stats)
    assert metrics.publish()
    assert "mwaalib.waits_started" in stats.gauges
    assert not metrics.publish()


@pytest.mark.parametrize("client", [None, Stats(broken=True)])
def test_nothing_to_publish_to(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    monkeypatch.setattr(metrics, "stats", lambda: client)
    assert not metrics.publish()


def test_airflows_client_is_found() -> None:
    from mwaalib.compat import stats

    assert callable(stats().gauge)
