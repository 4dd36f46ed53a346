"""pytest plugin: tests of Airflow code against an AWS of one's own.

moto's decorators do not see calls that mwaalib makes from Rust. These fixtures start moto's
server (the :mod:`mwaalib.testing.standin`) in a process of its own and point mwaalib and boto3
at it by the environment. Where mwaalib is installed, the fixtures are there without any import;
nothing happens in tests that do not use them.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mwaalib.testing.process import StandIn


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings ``mwaalib_time_scale``, ``mwaalib_python`` and ``mwaalib_server_python``."""
    parser.addini(
        "mwaalib_time_scale",
        "factor on how long the AWS stand-in's phases last: 0 is at once, 1 about a second each",
        default="0.1",
    )
    parser.addini("mwaalib_python", "interpreter with PySpark for steps and Glue jobs", default="")
    parser.addini(
        "mwaalib_server_python",
        "interpreter with moto that runs the AWS stand-in (default: $MWAALIB_SERVER_PYTHON, or pytest's own)",
        default="",
    )


@pytest.fixture(scope="session")
def mwaalib_aws_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandIn]:
    """One AWS stand-in for the whole test session, on a free port of the loopback interface.

    :return: the stand-in; the environment does not point at it yet.
    """
    standin = StandIn.start(
        Path(tmp_path_factory.mktemp("mwaalib-aws")),
        time_scale=float(request.config.getini("mwaalib_time_scale")),
        python=_program(request.config, "mwaalib_python"),
        server_python=_program(request.config, "mwaalib_server_python"),
    )
    yield standin
    standin.stop()


@pytest.fixture
def mwaalib_aws(mwaalib_aws_server: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An empty AWS: mwaalib, boto3 and child processes talk to it for the time of one test.

    :return: the stand-in, to make clients of it, drive work into a state, inject faults and count calls.
    """
    # Whatever of the developer's own is left (profile, FIPS, a CA file, ...) would turn calls elsewhere.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in mwaalib_aws_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    _forget_boto3_session()
    yield mwaalib_aws_server
    mwaalib_aws_server.reset()
    _forget_boto3_session()


@pytest.fixture
def mwaalib_connection(mwaalib_aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> str:
    """Offer the stand-in as Airflow's connection ``aws_default``.

    :return: the connection's id, to give to operators as ``aws_conn_id``.
    """
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", mwaalib_aws.connection())
    return "aws_default"


@pytest.fixture
def mwaalib_context(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What Airflow hands to an operator's ``execute``, as far as mwaalib's operators use it.

    :return: the context; its ``ti`` keeps what is pushed in ``xcom``.
    """
    return {"ti": TaskInstance(task_id=request.node.name)}


@dataclass
class TaskInstance:
    """A task instance that is enough for an operator's ``execute``; it keeps XComs like Airflow's."""

    task_id: str = "task"
    dag_id: str = "dag"
    # Of its own, or a task would take over the jobs of another test.
    run_id: str = field(default_factory=lambda: f"manual__{uuid.uuid4()}")
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    xcom: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps(value)  # Airflow stores JSON
        self.xcom[key] = value

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value") -> Any:
        return self.xcom.get(key)

    def get_first_reschedule_date(self, context: Any) -> None:
        return None


def _program(config: pytest.Config, setting: str) -> str | None:
    """Return the interpreter that a setting names; a path is one from pytest's root directory."""
    name = str(config.getini(setting))
    return str(config.rootpath / name) if "/" in name else name or None


def _forget_boto3_session() -> None:
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = None  # type: ignore[attr-defined]
