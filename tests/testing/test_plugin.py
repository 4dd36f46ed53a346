from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from mwaalib.testing import plugin
from mwaalib.testing.process import StandIn, StandInError

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

USERS_TEST = """
import json, os
import boto3

def test_boto3_is_pointed_at_it(mwaalib_aws):
    boto3.client("s3").create_bucket(Bucket="mine")
    assert [b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"]] == ["mine"]
    mwaalib_aws.fault("s3", "ListBuckets", "delay", seconds=0, times=None)
    mwaalib_aws.client("emr").run_job_flow(
        Name="n", ReleaseLabel="emr-7.9.0",
        Instances={"MasterInstanceType": "m5.xlarge", "KeepJobFlowAliveWhenNoSteps": True},
        Steps=[{"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["sleep", "600"]}}],
    )
    boto3.client("stepfunctions").create_state_machine(
        name="m", roleArn="arn:aws:iam::123456789012:role/r",
        definition='{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}',
    )

def test_the_next_test_starts_empty(mwaalib_aws):
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("emr").list_clusters()["Clusters"] == []
    assert boto3.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert mwaalib_aws.request("GET", "faults") == []

def test_the_connection(mwaalib_connection, mwaalib_aws):
    assert mwaalib_connection == "aws_default"
    given = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    assert given["conn_type"] == "aws"
    assert given["extra"]["endpoint_url"] == mwaalib_aws.endpoint

def test_nothing_of_the_developers_is_left(mwaalib_aws):
    assert [n for n in os.environ if n.startswith("AWS_ENDPOINT")] == ["AWS_ENDPOINT_URL"]

def test_the_environment_is_back():
    assert "AIRFLOW_CONN_AWS_DEFAULT" not in os.environ
    assert os.environ.get("AWS_ENDPOINT_URL") == "http://users.own"
"""


# What a developer may have set, each of which would lead calls elsewhere.
FOREIGN = {
    "AWS_ENDPOINT_URL": "http://users.own",
    "AWS_ENDPOINT_URL_S3": "http://users.own",
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_PROFILE": "nobody",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/none.pem",
    "AWS_SESSION_TOKEN": "of another account",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}

RUST_TEST = """
import time
import pytest
from mwaalib.exceptions import AwsError, AwsThrottlingError, JobFailedError
from mwaalib.hooks.emr import EmrHook
from mwaalib.operators.glue import GlueJobOperator

NOT_AGAIN = {"retries": {"mode": "standard", "total_max_attempts": 1}}

@pytest.fixture
def hook(mwaalib_connection):
    return EmrHook(aws_conn_id=mwaalib_connection, config=NOT_AGAIN)

def test_faults_reach_calls_from_rust(mwaalib_aws, hook):
    mwaalib_aws.fault("emr", "ListClusters", "throttle")
    with pytest.raises(AwsThrottlingError):
        hook.conn.list_clusters()
    mwaalib_aws.fault("emr", kind="error", code="InternalServerException", status=500)
    with pytest.raises(AwsError) as caught:
        hook.conn.list_clusters()
    assert caught.value.status == 500
    mwaalib_aws.fault("emr", kind="drop")
    with pytest.raises(AwsError):
        hook.conn.list_clusters()
    mwaalib_aws.fault("emr", kind="delay", seconds=0.5)
    began = time.monotonic()
    assert hook.conn.list_clusters()["Clusters"] == []
    assert time.monotonic() - began >= 0.5
    assert mwaalib_aws.calls()["emr:ListClusters"] == 4

def test_work_driven_to_a_state_ends_the_wait_in_rust(mwaalib_aws, mwaalib_connection, mwaalib_context):
    glue = mwaalib_aws.client("glue")
    glue.create_job(Name="job", Role="role", Command={"Name": "glueetl", "ScriptLocation": "s3://b/s.py"})
    task = GlueJobOperator(task_id="job", job_name="job", wait_for_completion=False)
    run = task.execute(mwaalib_context)
    mwaalib_aws.drive("glue_job_run", run, "FAILED", message="out of memory")
    with pytest.raises(JobFailedError, match="out of memory"):
        task.hook.wait("glue_job_run", [run], parent="job", delay=0.1)
    assert mwaalib_context["ti"].xcom["glue_job_run_id"] == run
"""


def run_users(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, test: str) -> pytest.RunResult:
    """Run a test module as a user would, in a process of its own."""
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(Path(plugin.__file__).parents[2]))
    pytester.makepyfile(test)
    pytester.makeini("[pytest]\nmwaalib_time_scale = 0\n")
    options = ["-p", "mwaalib.testing.plugin"] if not _registered() else []
    return pytester.runpytest_subprocess("-p", "no:airflow", "-q", *options)


@pytest.mark.slow
def test_a_users_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    run_users(pytester, monkeypatch, USERS_TEST).assert_outcomes(passed=5)


@pytest.mark.slow
def test_faults_and_states_through_the_fixtures(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_users(pytester, monkeypatch, RUST_TEST).assert_outcomes(passed=2)


@pytest.mark.slow
def test_the_documented_example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    example = next(block for block in blocks if "def test_" in block)
    faults = next(block for block in blocks if "mwaalib_aws.fault(" in block)
    example += "\n\ndef test_faults(mwaalib_aws):\n" + textwrap.indent(faults, "    ")
    run_users(pytester, monkeypatch, example).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("", None), ("python3.12", "python3.12"), (".aws/bin/python", "/root/.aws/bin/python")],
)
def test_interpreters_in_the_settings(given: str, meant: str | None) -> None:
    config = SimpleNamespace(getini=lambda _: given, rootpath=Path("/root"))
    assert plugin._program(config, "mwaalib_server_python") == meant


def test_another_interpreter_may_run_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\necho "$PYTHONPATH" >{tmp_path}/used\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", "of/this/interpreter")
    monkeypatch.setenv("MWAALIB_SERVER_PYTHON", str(script))
    StandIn.start(tmp_path / "state").stop()
    assert (tmp_path / "used").read_text() == "\n", "its packages are its own"


@pytest.mark.parametrize(
    ("text", "said"), [(None, "cannot be run"), ("#!/bin/sh\necho No module named moto; exit 1\n", "moto")]
)
def test_a_server_that_cannot_run(tmp_path: Path, text: str | None, said: str) -> None:
    script = tmp_path / "python"
    if text:
        script.write_text(text)
        script.chmod(0o755)
    with pytest.raises(StandInError, match=said):
        StandIn.start(tmp_path / "state", server_python=str(script))


def _registered() -> bool:
    from importlib.metadata import entry_points

    return any(e.value == "mwaalib.testing.plugin" for e in entry_points(group="pytest11"))


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, threading; before = set(sys.modules); import mwaalib.testing.plugin;"
        "heavy = {'moto', 'boto3', 'botocore', 'airflow', 'duckdb', 'mwaalib._core'} & set(sys.modules);"
        "assert not heavy, heavy; assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_connection_is_one_of_airflow(standin: StandIn) -> None:
    airflow = pytest.importorskip("airflow.sdk.definitions.connection", reason="needs Airflow 3")
    connection = airflow.Connection.from_json(standin.connection(), conn_id="aws_default")
    assert connection.conn_type == "aws"
    assert connection.extra_dejson["endpoint_url"] == standin.endpoint
