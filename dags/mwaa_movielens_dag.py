"""MovieLens on Amazon MWAA: EMR prepares the data, Step Functions and Glue make the curated tables.

`create_cluster` starts an EMR cluster, `extract_load_data` fetches the data set into the data bucket, three
Spark steps turn its CSV files into Parquet at once, and `terminate_cluster` ends the cluster, whatever became
of them. Then `trigger_stepfunctions` starts the state machine that runs the Glue job and the crawlers, and
`monitor_stepfunctions` waits for it. All waits are deferred: they occupy the triggerer, not a worker.

The data bucket and the state machine are SSM parameters of the stack that `setup/deploy.sh` makes.
Set `poll_seconds` in the section `movielens` of Airflow's configuration to look more or less often.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param

from mwaalib.compat import conf
from mwaalib.operators.emr import (
    EmrAddStepsOperator,
    EmrCreateJobFlowOperator,
    EmrTerminateJobFlowOperator,
)
from mwaalib.operators.step_function import StepFunctionStartExecutionOperator
from mwaalib.sensors.emr import EmrJobFlowSensor
from mwaalib.sensors.step_function import StepFunctionExecutionSensor
from mwaalib.ssm import ssm_macros

POLL_SECONDS = conf.getint("movielens", "poll_seconds", fallback=30)
# Run by bash with the script's address as $0 and the script's own arguments after it.
COLLECT = 'cd "$(mktemp -d)" && aws s3 cp --only-show-errors "$0" collect.py && exec python3 collect.py "$@"'
BUCKET = "{{ ssm('/mwaa/S3/DemoBucket') }}"
STATE_MACHINE = "{{ ssm('/mwaa/sfn/movielens') }}"

PARAMS = {
    "dataset": Param(
        "https://files.grouplens.org/datasets/movielens/ml-latest.zip",
        type="string",
        pattern=r"^(https?|s3)://\S+\.zip(\?\S*)?$",
        description="Address of a MovieLens data set: a zip at https://, http:// or s3://",
    ),
    "minimum_ratings": Param(
        1, type="integer", minimum=1, description="Ratings a movie needs to be among the top rated"
    ),
    "max_corrupt_rows": Param(
        0, type="integer", minimum=0, description="Unreadable rows to tolerate in each CSV file"
    ),
    "emr_release": Param("emr-7.13.0", type="string", pattern=r"^emr-\d+\.\d+\.\d+$"),
    "primary_instance_type": Param("m5.xlarge", type="string", minLength=1),
    "core_instance_type": Param("m5.xlarge", type="string", minLength=1),
    "core_instances": Param(2, type="integer", minimum=1, maximum=100),
    "subnet_id": Param(
        "",
        type="string",
        pattern=r"^(subnet-[0-9a-f]+)?$",
        description="Subnet of the cluster; empty for the default VPC's",
    ),
}


def cluster(params: dict[str, Any], bucket: str, run_id: str) -> dict[str, Any]:
    """The request for the cluster (EMR RunJobFlow), for use in a template."""
    instances: dict[str, Any] = {
        "InstanceGroups": [
            {"InstanceRole": "MASTER", "InstanceType": params["primary_instance_type"], "InstanceCount": 1},
            {
                "InstanceRole": "CORE",
                "InstanceType": params["core_instance_type"],
                "InstanceCount": params["core_instances"],
            },
        ],
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
    }
    if params["subnet_id"]:
        instances["Ec2SubnetId"] = params["subnet_id"]
    return {
        "Name": f"movielens {run_id}",
        "ReleaseLabel": params["emr_release"],
        "Applications": [{"Name": "Spark"}],
        "Instances": instances,
        "StepConcurrencyLevel": 3,
        # Should Airflow itself be lost, the cluster does not outlive it for long. A node without a YARN application
        # counts as idle, as while extract_load_data works, which may take two hours.
        "AutoTerminationPolicy": {"IdleTimeout": 10800},
        "LogUri": f"s3://{bucket}/logs/",
        "ServiceRole": "EMR_DefaultRole",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "Tags": [
            {"Key": "project", "Value": "mwaa-movielens"},
            {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"},
        ],
    }


def step(name: str, *arguments: str) -> dict[str, Any]:
    """One command on the cluster. Steps that run beside others must let these continue when they fail."""
    return {
        "Name": name,
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(arguments)},
    }


def attempts(time: timedelta) -> int:
    """How many looks fit into a time."""
    return max(1, int(time.total_seconds()) // POLL_SECONDS)


with DAG(
    dag_id="mwaa_movielens_demo",
    description="MovieLens: most popular and top rated movies",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    user_defined_macros={**ssm_macros(), "cluster": cluster},
    default_args={"owner": "airflow", "retries": 1, "retry_delay": timedelta(seconds=POLL_SECONDS)},
    tags=["mwaalib", "movielens"],
) as dag:
    create_cluster = EmrCreateJobFlowOperator(
        task_id="create_cluster",
        job_flow_overrides="{{ cluster(params, ssm('/mwaa/S3/DemoBucket'), run_id) }}",
    )
    cluster_id = create_cluster.output

    wait_for_cluster_completion = EmrJobFlowSensor(
        task_id="wait_for_cluster_completion",
        job_flow_id=cluster_id,
        target_states=["WAITING", "RUNNING"],
        failed_states=["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"],
        poke_interval=POLL_SECONDS,
        max_attempts=attempts(timedelta(hours=1)),
        deferrable=True,
    )

    extract_load_data = EmrAddStepsOperator(
        task_id="extract_load_data",
        job_flow_id=cluster_id,
        steps=[
            step(
                "extract_load_data",
                "bash",
                "-c",
                COLLECT,
                f"s3://{BUCKET}/scripts/collect_movielens.py",
                "--dataset",
                "{{ params.dataset }}",
                "--output",
                f"s3://{BUCKET}/raw/",
            )
        ],
        waiter_delay=POLL_SECONDS,
        waiter_max_attempts=attempts(timedelta(hours=2)),
        deferrable=True,
    )

    preprocess = [
        EmrAddStepsOperator(
            task_id=f"preprocess_{name}",
            job_flow_id=cluster_id,
            steps=[
                step(
                    f"preprocess_{name}",
                    "spark-submit",
                    "--deploy-mode",
                    "client",
                    "--py-files",
                    f"s3://{BUCKET}/scripts/movielens_csv.py",
                    f"s3://{BUCKET}/scripts/preprocess_{name}.py",
                    "--input",
                    f"s3://{BUCKET}/raw/{name}.csv",
                    "--output",
                    f"s3://{BUCKET}/processed/{name}/",
                    "--max-corrupt-rows",
                    "{{ params.max_corrupt_rows }}",
                )
            ],
            waiter_delay=POLL_SECONDS,
            waiter_max_attempts=attempts(timedelta(hours=2)),
            deferrable=True,
        )
        for name in ("movies", "ratings", "tags")
    ]

    terminate_cluster = EmrTerminateJobFlowOperator(
        task_id="terminate_cluster",
        job_flow_id=cluster_id,
        waiter_delay=POLL_SECONDS,
        waiter_max_attempts=attempts(timedelta(minutes=30)),
        deferrable=True,
    )

    trigger_stepfunctions = StepFunctionStartExecutionOperator(
        task_id="trigger_stepfunctions",
        state_machine_arn=STATE_MACHINE,
        state_machine_input=(
            f'{{"minimum_ratings": {{{{ params.minimum_ratings }}}}, "wait_seconds": {POLL_SECONDS}}}'
        ),
    )

    monitor_stepfunctions = StepFunctionExecutionSensor(
        task_id="monitor_stepfunctions",
        execution_arn=trigger_stepfunctions.output,
        poke_interval=POLL_SECONDS,
        timeout=timedelta(hours=2).total_seconds(),
        deferrable=True,
    )

    create_cluster >> wait_for_cluster_completion >> extract_load_data >> preprocess
    # As teardown of the cluster it runs whatever became of the tasks between, also when the run is
    # marked as failed; a failure to terminate fails the run.
    preprocess >> terminate_cluster.as_teardown(setups=create_cluster, on_failure_fail_dagrun=True)
    # A teardown passes no failure on, so the steps themselves have to.
    [*preprocess, terminate_cluster] >> trigger_stepfunctions >> monitor_stepfunctions
