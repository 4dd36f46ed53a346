"""pytest plugin: tests of Airflow code against an AWS of one's own.

moto's decorators do not see calls that mwaalib makes from Rust. These fixtures start moto's
server (the :mod:`mwaalib.testing.standin`) in a process of its own and point mwaalib and boto3
at it by the environment. Installed with ``pip install mwaalib[testing]``, the fixtures are there
without any import; nothing happens in tests that do not use them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mwaalib.testing.process import StandIn

_FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings ``mwaalib_time_scale`` and ``mwaalib_python``."""
    parser.addini(
        "mwaalib_time_scale",
        "factor on how long the AWS stand-in's phases last: 0 is at once, 1 about a second each",
        default="0.1",
    )
    parser.addini("mwaalib_python", "interpreter with PySpark for steps and Glue jobs", default="")


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
        python=str(request.config.getini("mwaalib_python")) or None,
    )
    yield standin
    standin.stop()


@pytest.fixture
def mwaalib_aws(mwaalib_aws_server: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An empty AWS: mwaalib, boto3 and child processes talk to it for the time of one test.

    :return: the stand-in, to make clients of it, drive work into a state, inject faults and count calls.
    """
    for name, value in mwaalib_aws_server.environment().items():
        monkeypatch.setenv(name, value)
    for name in (*_FOREIGN, *(n for n in os.environ if n.startswith("AWS_ENDPOINT_URL_"))):
        monkeypatch.delenv(name, raising=False)
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


def _forget_boto3_session() -> None:
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = None  # type: ignore[attr-defined]
