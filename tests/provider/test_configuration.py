"""`[mwaalib]` of airflow.cfg."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from mwaalib import _native
from mwaalib.exceptions import ConnectionSettingsError
from mwaalib.provider_info import get_provider_info


def test_every_option_is_documented() -> None:
    ours = {"deployment", "unknown_parameters"}
    assert set(_native._OPTIONS) | ours == set(get_provider_info()["config"]["mwaalib"]["options"])


def test_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MWAALIB__BUDGETS", '{"emr:ListSteps": {"burst": 5, "refill": 0.2}}')
    monkeypatch.setenv("AIRFLOW__MWAALIB__CONCURRENCY", "4")
    found = _native.configuration()
    assert found["budgets"] == {"emr:ListSteps": {"burst": 5, "refill": 0.2}}
    assert found["concurrency"] == 4


def test_malformed_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MWAALIB__JITTER", "some")
    with pytest.raises(ConnectionSettingsError, match="jitter"):
        _native.configuration()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"AIRFLOW__MWAALIB__BUDGETS": '{"emr:LstSteps": {"burst": 5, "refill": 1}}'}, "LstSteps"),
        ({}, "fine"),
    ],
)
def test_core_checks_what_it_is_given(options: dict[str, str], message: str) -> None:
    code = "from mwaalib import _native; _native.core(); print('fine')"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **options},
    )
    assert message in run.stdout + run.stderr
    assert (run.returncode == 0) is (not options)


def test_documented_defaults_are_the_cores() -> None:
    defaults = {
        name: option["default"]
        for name, option in get_provider_info()["config"]["mwaalib"]["options"].items()
        if name in _native._OPTIONS
    }
    given = {name: _native._OPTIONS[name](value) for name, value in defaults.items() if value is not None}
    _native.core().configure(json.dumps(given))
