"""A small pipeline like the MovieLens DAG: a cluster, jobs at once, executions that are waited for."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from mwaalib.operators.emr import EmrCreateJobFlowOperator, EmrTerminateJobFlowOperator
from mwaalib.operators.glue import GlueJobOperator
from mwaalib.operators.step_function import (
    StepFunctionGetExecutionOutputOperator,
    StepFunctionStartExecutionOperator,
)
from mwaalib.sensors.step_function import StepFunctionExecutionSensor

MACHINES = "arn:aws:states:us-east-1:123456789012:stateMachine:"

with DAG(
    dag_id="executors",
    schedule="@once",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(minutes=6),
    default_args={"aws_conn_id": "aws_matrix", "execution_timeout": timedelta(minutes=3)},
) as dag:
    create = EmrCreateJobFlowOperator(
        task_id="create_cluster",
        job_flow_overrides={
            "Name": "executors",
            "ReleaseLabel": "emr-7.9.0",
            "ServiceRole": "EMR_DefaultRole",
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "Instances": {
                "KeepJobFlowAliveWhenNoSteps": True,
                "InstanceGroups": [
                    {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1},
                ],
            },
        },
    )
    jobs = [
        GlueJobOperator(task_id="job_blocking", job_name="job-blocking", job_poll_interval=1),
        GlueJobOperator(
            task_id="job_deferred",
            job_name="job-deferred",
            waiter_delay=1,
            waiter_max_attempts=240,
            deferrable=True,
        ),
    ]
    terminate = EmrTerminateJobFlowOperator(task_id="terminate_cluster", job_flow_id=create.output)
    # What the triggerer has in hand when it is killed.
    waits = StepFunctionStartExecutionOperator(
        task_id="execution_deferred",
        state_machine_arn=f"{MACHINES}long",
        waiter_delay=1,
        waiter_max_attempts=240,
        deferrable=True,
    )
    start = StepFunctionStartExecutionOperator(task_id="start_execution", state_machine_arn=f"{MACHINES}long")
    sensor = StepFunctionExecutionSensor(
        task_id="sensor_deferred", execution_arn=start.output, poke_interval=1, deferrable=True
    )
    output = StepFunctionGetExecutionOutputOperator(task_id="read_output", execution_arn=start.output)
    fails = StepFunctionStartExecutionOperator(
        task_id="execution_fails",
        state_machine_arn=f"{MACHINES}fails",
        waiter_delay=1,
        waiter_max_attempts=240,
        deferrable=True,
    )

    create >> jobs >> terminate
    start >> sensor >> output
