from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mwaalib.testing import plugin
from mwaalib.testing.process import StandIn

pytest_plugins = ["pytester"]

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

def test_the_environment_is_back():
    assert "AIRFLOW_CONN_AWS_DEFAULT" not in os.environ
    assert os.environ.get("AWS_ENDPOINT_URL") == "http://users.own"
"""


@pytest.mark.slow
def test_a_users_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://users.own")
    monkeypatch.setenv("PYTHONPATH", str(Path(plugin.__file__).parents[2]))
    pytester.makepyfile(USERS_TEST)
    pytester.makeini("[pytest]\nmwaalib_time_scale = 0\n")
    options = ["-p", "mwaalib.testing.plugin"] if not _registered() else []
    result = pytester.runpytest_subprocess("-p", "no:airflow", "-q", *options)
    result.assert_outcomes(passed=4)


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
