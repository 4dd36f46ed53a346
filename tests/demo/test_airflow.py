"""What goes wrong with the demo's Airflow is told in words, not in a traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from image import services

from demo.airflow import DemoAirflow
from demo.console import DemoError
from demo.layout import Layout


@pytest.fixture
def airflow(tmp_path: Path) -> DemoAirflow:
    return DemoAirflow(Layout(tmp_path), "http://127.0.0.1:9")


def test_a_migration_that_does_not_end(airflow: DemoAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*command: str, timeout: float) -> Any:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(airflow, "call", late)
    with pytest.raises(DemoError, match="airflow db migrate did not end within 300 s"):
        airflow.migrate()


def test_an_api_server_that_does_not_come_up(airflow: DemoAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow, "start", lambda name, *command: None)
    monkeypatch.setattr(services, "wait_for_port", lambda port, seconds: False)
    with pytest.raises(DemoError, match="the API server does not answer"):
        airflow.start_all()


def test_a_run_that_nobody_takes(airflow: DemoAirflow) -> None:
    with pytest.raises(DemoError, match=r"Airflow's API does not answer: .*refused"):
        airflow.trigger({})
