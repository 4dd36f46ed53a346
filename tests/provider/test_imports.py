"""What importing costs: no thread, no native module, no network, no AWS library, little time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

EVERYTHING = """
import mwaalib.hooks.ssm, mwaalib.ssm
from mwaalib.operators.emr import *
from mwaalib.operators.glue import *
from mwaalib.operators.glue_crawler import *
from mwaalib.operators.step_function import *
from mwaalib.sensors.emr import *
from mwaalib.sensors.glue import *
from mwaalib.sensors.glue_crawler import *
from mwaalib.sensors.step_function import *
"""


def python(code: str) -> Any:
    """Run code in a fresh interpreter; it prints JSON in its last line."""
    # An installed wheel has its bytecode; so has this tree, once one import was allowed to write it.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False, timeout=120, env=env,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.strip().splitlines()[-1])


def test_import_starts_no_thread_and_loads_nothing_native() -> None:
    found = python(
        f"""
import json, os, sys
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator
before = len(os.listdir("/proc/self/task"))
{EVERYTHING}
native = [name for name in sys.modules if name == "mwaalib._core"]
libraries = [name for name in sys.modules if name.split(".")[0] in ("boto3", "botocore", "aiobotocore")]
incumbent = [name for name in sys.modules if name.startswith("airflow.providers.amazon.aws")]
print(json.dumps([native, libraries + incumbent, len(os.listdir("/proc/self/task")) - before]))
"""
    )
    assert found == [[], [], 0]


def test_dag_file_with_every_operator_makes_no_call() -> None:
    found = python(
        f"""
import json, os, socket, sys, warnings
calls = []
def refuse(*args, **kwargs):
    calls.append(repr(args))
    raise OSError("no network while a DAG file is parsed")
import datetime
from airflow.sdk import DAG
import airflow.configuration
before = len(os.listdir("/proc/self/task"))
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
warnings.simplefilter("ignore")
{EVERYTHING}
from mwaalib.ssm import SsmParameter, ssm_macros
with DAG("d", start_date=datetime.datetime(2026, 1, 1), user_defined_macros=ssm_macros()) as dag:
    bucket = SsmParameter("/mwaa/S3/DemoBucket")
    common = dict(aws_conn_id="no_such_connection")
    EmrCreateJobFlowOperator(task_id="a", job_flow_overrides={{"LogUri": "s3://" + bucket}}, **common)
    EmrAddStepsOperator(task_id="b", job_flow_id="j-1", steps=[{{"Name": bucket}}], deferrable=True, **common)
    EmrModifyClusterOperator(task_id="c", cluster_id="j-1", step_concurrency_level=2, **common)
    EmrTerminateJobFlowOperator(task_id="e", job_flow_id="j-1", **common)
    EmrJobFlowSensor(task_id="f", job_flow_id="j-1", deferrable=True, **common)
    EmrStepSensor(task_id="g", job_flow_id="j-1", step_id="s-1", **common)
    StepFunctionStartExecutionOperator(task_id="h", state_machine_arn=bucket, **common)
    StepFunctionGetExecutionOutputOperator(task_id="i", execution_arn="x", **common)
    StepFunctionExecutionSensor(task_id="j", execution_arn="x", **common)
    GlueJobOperator(task_id="k", script_location="/tmp/x.py", s3_bucket=bucket, **common)
    GlueJobSensor(task_id="l", job_name="x", run_id="y", **common)
    GlueCrawlerOperator(task_id="m", config={{"Name": "x"}}, **common)
    GlueCrawlerSensor(task_id="n", crawler_name="x", **common)
print(json.dumps([len(dag.tasks), calls, "mwaalib._core" in sys.modules,
                  len(os.listdir("/proc/self/task")) - before]))
"""
    )
    assert found == [13, [], False, 0]


def test_import_loads_nothing_but_itself() -> None:
    """Over Airflow's own import; what that costs is measured by `make bench`."""
    loaded = python(
        f"""
import json, sys
import airflow.sdk
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator
from airflow.sdk.configuration import conf
import airflow.sdk.definitions._internal.mixins, airflow.sdk.exceptions
before = set(sys.modules)
{EVERYTHING}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    )
    assert [name for name in loaded if name.split(".")[0] != "mwaalib"] == []
    assert len(loaded) < 60
