"""The MovieLens DAG: what it is after parsing, and what its templates become."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import warnings
from types import ModuleType
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FILE = ROOT / "dags" / "mwaa_movielens_dag.py"
PREPROCESS = {"preprocess_movies", "preprocess_ratings", "preprocess_tags"}
DEFERRED = {
    "wait_for_cluster_completion",
    "extract_load_data",
    *PREPROCESS,
    "terminate_cluster",
    "monitor_stepfunctions",
}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The DAG file, parsed with no network and no warning of deprecation allowed."""
    spec = importlib.util.spec_from_file_location("movielens_under_test", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    def refuse(*address: Any) -> Any:
        raise AssertionError(f"the DAG file connects to {address}")

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("error", message="(?i).*deprecat")
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def dag(module: ModuleType) -> Any:
    return module.dag


def params(dag: Any, **changed: Any) -> dict[str, Any]:
    """The DAG's params as a run sees them, validated."""
    given = copy.deepcopy(dag.params)
    given.update(changed)
    return dict(given.validate())


def rendered(dag: Any, template: Any, **changed: Any) -> Any:
    """A template field's value in a run."""
    environment = dag.get_template_env()
    environment.globals["ssm"] = {"/mwaa/S3/DemoBucket": "bucket", "/mwaa/sfn/movielens": "arn"}.__getitem__
    context = {"params": params(dag, **changed), "run_id": "manual__1"}
    return dag.get_task("create_cluster").render_template(template, context, environment)


def test_tasks_and_their_order(dag: Any) -> None:
    upstream = {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}
    assert upstream == {
        "create_cluster": set(),
        "wait_for_cluster_completion": {"create_cluster"},
        "extract_load_data": {"create_cluster", "wait_for_cluster_completion"},
        **{task: {"create_cluster", "extract_load_data"} for task in PREPROCESS},
        "terminate_cluster": {"create_cluster", *PREPROCESS},
        "trigger_stepfunctions": {"terminate_cluster", *PREPROCESS},
        "monitor_stepfunctions": {"trigger_stepfunctions"},
    }


def test_every_wait_is_deferred(dag: Any) -> None:
    assert {task.task_id for task in dag.tasks if getattr(task, "deferrable", False)} == DEFERRED


def test_the_cluster_goes_whatever_happens(dag: Any) -> None:
    terminate = dag.get_task("terminate_cluster")
    assert terminate.is_teardown
    assert terminate.on_failure_fail_dagrun
    assert dag.get_task("create_cluster").is_setup
    assert str(getattr(terminate.trigger_rule, "value", terminate.trigger_rule)) == "all_done_setup_success"
    # The run's own result is the last task's, which a failed step keeps from running.
    assert dag.get_task("trigger_stepfunctions").upstream_task_ids >= PREPROCESS
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids] == ["monitor_stepfunctions"]


def test_the_cluster_request(dag: Any) -> None:
    template = dag.get_task("create_cluster").job_flow_overrides
    request = ast.literal_eval(rendered(dag, template, core_instances=5))
    assert request["LogUri"] == "s3://bucket/logs/"
    assert request["StepConcurrencyLevel"] == 3
    collect = dag.get_task("extract_load_data")
    longest = collect.waiter_delay * collect.waiter_max_attempts
    assert request["AutoTerminationPolicy"]["IdleTimeout"] > longest, "to YARN the collect step is idleness"
    assert [group["InstanceCount"] for group in request["Instances"]["InstanceGroups"]] == [1, 5]
    assert "Ec2SubnetId" not in request["Instances"]
    assert {"Key": "project", "Value": "mwaa-movielens"} in request["Tags"]
    placed = ast.literal_eval(rendered(dag, template, subnet_id="subnet-0a1b"))
    assert placed["Instances"]["Ec2SubnetId"] == "subnet-0a1b"


def test_steps_name_scripts_that_exist(dag: Any) -> None:
    scripts = {path.name for path in (ROOT / "setup" / "transform").glob("*.py")}
    for task in ("extract_load_data", *sorted(PREPROCESS)):
        (step,) = rendered(dag, dag.get_task(task).steps)
        arguments = step["HadoopJarStep"]["Args"]
        named = {text.rpartition("/")[2] for text in arguments if text.startswith("s3://bucket/scripts/")}
        assert named
        assert named <= scripts
        # With steps side by side EMR takes nothing else.
        assert step["ActionOnFailure"] == "CONTINUE"


def test_the_data_set_is_an_argument_not_part_of_a_command(dag: Any) -> None:
    address = "https://example.org/a.zip?x=$(reboot);'.zip"
    (step,) = rendered(dag, dag.get_task("extract_load_data").steps, dataset=address)
    arguments = step["HadoopJarStep"]["Args"]
    assert arguments[arguments.index("--dataset") + 1] == address
    assert "reboot" not in arguments[2]


def test_the_execution_gets_what_the_function_takes(dag: Any) -> None:
    task = dag.get_task("trigger_stepfunctions")
    assert rendered(dag, task.state_machine_arn) == "arn"
    given = json.loads(rendered(dag, task.state_machine_input, minimum_ratings=7))
    assert given == {"minimum_ratings": 7, "wait_seconds": 30}


@pytest.mark.parametrize(
    "dataset",
    ["https://example.org/ml.zip", "http://localhost:1/ml.zip?signature=a%2Fb", "s3://bucket/folder/ml.zip"],
)
def test_addresses_of_data_sets(dag: Any, dataset: str) -> None:
    assert params(dag, dataset=dataset)["dataset"] == dataset


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": "https://example.org/ml.tar.gz"},
        {"dataset": "ftp://example.org/ml.zip"},
        {"dataset": "/home/me/ml.zip"},
        {"dataset": "https://example.org/a b.zip"},
        {"dataset": ""},
        {"minimum_ratings": 0},
        {"minimum_ratings": "5"},
        {"max_corrupt_rows": -1},
        {"core_instances": 0},
        {"subnet_id": "vpc-1"},
        {"emr_release": "7.12.0"},
    ],
)
def test_bad_params_are_refused_by_name(dag: Any, changed: dict[str, Any]) -> None:
    (name,) = changed
    with pytest.raises(Exception, match=rf"Invalid input for param {name}"):
        params(dag, **changed)


def test_polling_is_configurable() -> None:
    """In a process of its own, for the file reads Airflow's configuration when it is parsed."""
    code = (
        f"import importlib.util as u; s = u.spec_from_file_location('d', {str(FILE)!r});"
        "m = u.module_from_spec(s); s.loader.exec_module(m); t = m.dag.get_task('extract_load_data');"
        "print(t.waiter_delay, t.waiter_delay * t.waiter_max_attempts)"
    )
    environment = {**os.environ, "AIRFLOW__MOVIELENS__POLL_SECONDS": "2"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-2:] == ["2", "7200"]
