"""A DAG of one blocking and several deferred operators, run in every Amazon MWAA image."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

from airflow import DAG
from mwaalib.operators.emr import EmrCreateJobFlowOperator
from mwaalib.operators.glue import GlueJobOperator
from mwaalib.operators.step_function import StepFunctionStartExecutionOperator

CONNECTION = "aws_matrix"
STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:matrix"

with DAG(
    dag_id="matrix",
    schedule="@once",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(minutes=5),
    default_args={"aws_conn_id": CONNECTION, "execution_timeout": timedelta(minutes=2)},
) as dag:
    cluster = EmrCreateJobFlowOperator(
        task_id="cluster_blocking",
        job_flow_overrides={
            "Name": "matrix",
            "ReleaseLabel": "emr-7.9.0",
            "ServiceRole": "EMR_DefaultRole",
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "Instances": {
                "KeepJobFlowAliveWhenNoSteps": True,
                "InstanceGroups": [
                    {
                        "Name": "primary",
                        "InstanceRole": "MASTER",
                        "InstanceType": "m5.xlarge",
                        "InstanceCount": 1,
                    }
                ],
            },
        },
    )
    glue_blocking = GlueJobOperator(task_id="glue_blocking", job_name="matrix-blocking", job_poll_interval=1)
    glue_deferred = GlueJobOperator(
        task_id="glue_deferred",
        job_name="matrix-deferred",
        waiter_delay=1,
        waiter_max_attempts=240,
        deferrable=True,
    )
    start = StepFunctionStartExecutionOperator(
        task_id="execution_deferred",
        state_machine_arn=STATE_MACHINE,
        state_machine_input=json.dumps({"airflow": os.environ.get("MATRIX_ROW", "")}),
        waiter_delay=1,
        waiter_max_attempts=240,
        deferrable=True,
    )
    cluster >> glue_blocking
