"""What keeps `mwaalib check` from running, or from looking: one clear line, or "could not tell"."""

from __future__ import annotations

import pytest
from cli.deployment import broken
from mwaalib.cli.check import environment
from mwaalib.cli.check.aws import Aws, CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.main import main


@pytest.fixture
def nothing_set(monkeypatch, tmp_path):
    """No credentials, no configuration."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path / "config"


KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.mark.parametrize(
    ("arguments", "variables", "config", "said"),
    [
        (["--profile", "nobody"], {}, "", "profile (nobody) could not be found"),
        ([], KEYS, "", "no AWS region is set"),
        (["--region", "us-east-1"], {}, "", "log in"),
        (["--region", "us-east-1"], {"AWS_ACCESS_KEY_ID": "testing"}, "", "set both keys"),
        (["--region", "us east"], KEYS, "", "'us east'"),
        (
            ["--region", "us-east-1"],
            KEYS,
            "[default\nregion",
            "configuration cannot be used: Unable to parse",
        ),
        (["--region", "us-east-1"], {**KEYS, "AWS_ENDPOINT_URL": "notaurl"}, "", "AWS_ENDPOINT_URL"),
    ],
    ids=["profile", "no region", "no keys", "one key", "bad region", "bad configuration", "bad endpoint"],
)
def test_what_keeps_the_check_from_running(
    arguments, variables, config, said, nothing_set, monkeypatch, capsys
):
    nothing_set.write_text(config)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("mwaalib check: ")
    assert len(printed.splitlines()) == 1


def test_without_boto3(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    assert main(["check"]) == 2
    assert "pip install boto3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("service", "operation", "subjects"),
    [
        ("mwaa", "get_environment", {"MWAA environment check", "execution role"}),
        ("cloudformation", "describe_stacks", {"stack mwaa-demo-foundations"}),
        ("s3", "get_object", {"wheel in plugins.zip", "plugins.zip", "DAG mwaa_movielens_dag.py"}),
        ("logs", "describe_log_streams", {"MWAA environment check, pip's log"}),
    ],
)
def test_what_may_not_be_looked_at_could_not_be_told(check, monkeypatch, service, operation, subjects):
    real = Aws.call

    def call(self, asked, name, **parameters):
        if (asked, name) == (service, operation):
            raise CallError(f"{service}:{operation}", "AccessDeniedException", "not you", 403)
        return real(self, asked, name, **parameters)

    monkeypatch.setattr(Aws, "call", call)
    status, report = check()
    assert broken(report) == {}
    assert status == 0
    told = {f["subject"]: f["detail"] for f in report["findings"] if f["status"] == "unknown"}
    assert subjects <= set(told)
    assert any(f"you may not call {service}:{operation}" in detail for detail in told.values())


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [
        ("3.3.1", "ok", "Python 3.12"),
        ("3.9.0", "unknown", "not one that mwaalib is tested in"),
        ("4.0.0", "unknown", "not one that mwaalib is tested in"),
        ("2.8.1", "broken", "2.8.1 is older than mwaalib supports"),
        ("1.10.12", "broken", "older than mwaalib supports"),
        ("", "unknown", "no version number"),
    ],
)
def test_airflow_versions(version, status, said):
    context = Context(aws=None, stack="", project=None, environment={"AirflowVersion": version})
    finding = environment._version(context, "environment")
    assert finding.status == status
    assert said in finding.detail
