"""A stand-in with the deployment on it, and a way to run the check against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.deployment import ENVIRONMENT, Deployment
from mwaalib.cli.main import main
from mwaalib.testing.process import StandIn


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    """A healthy deployment; a test that breaks it mends it."""
    import mwaalib._core

    folder = tmp_path_factory.mktemp("deployment")
    server = StandIn.start(folder / "state", time_scale=0.05)
    try:
        made = Deployment(server.endpoint, folder / "project", Path(mwaalib._core.__file__))
        made.make()
        yield made
    finally:
        server.stop()


@pytest.fixture
def check(deployment, monkeypatch, capsys):
    """Run `mwaalib check --json` and return its exit status and its report."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployment.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def run(*arguments, environment=ENVIRONMENT):
        command = ["check", "--json", "-e", environment, "--project", str(deployment.project), *arguments]
        status = main(command)
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out else printed.err

    return run
