"""A real Airflow: API server, DAG processor, scheduler and triggerer, tasks forked by the LocalExecutor."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from image.services import Airflow

from demo.cloud import REGION, clean_environment, leashed
from demo.console import DemoError
from demo.layout import DAG_ID, Layout

POLL_SECONDS = 2


class DemoAirflow(Airflow):
    """Airflow in the demo's directory, asked through its REST API.

    :param layout: where the demo keeps its files.
    :param endpoint: address of the AWS stand-in.
    """

    def __init__(self, layout: Layout, endpoint: str) -> None:
        home = layout.home / "airflow"
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(layout.home / "logs" / "tasks", ignore_errors=True)
        self.services = layout.folder("logs/services")
        self.tasks = layout.folder("logs/tasks")
        connection = {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {"region_name": REGION, "endpoint_url": endpoint},
        }
        settings = {
            **clean_environment(layout),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
            "AIRFLOW__MOVIELENS__POLL_SECONDS": str(POLL_SECONDS),
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.tasks),
        }
        del settings["PATH"]  # with the environment's programs first, as the base class sets it
        super().__init__(layout.airflow_python.parent, home, 3, settings)
        self._token = ""

    @property
    def address(self) -> str:
        """The address of its user interface."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of Airflow that ends when we do; its output goes to ``logs/services``."""
        with (self.services / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                leashed([str(self.binaries / command[0]), *command[1:]]),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=self.home,
                start_new_session=True,
            )
        self.running[name] = process
        return process

    def log(self, name: str, last: int = 2000) -> str:
        """Return the end of a process's log."""
        path = self.services / f"{name}.log"
        return path.read_text(errors="replace")[-last:] if path.exists() else ""

    def migrate(self) -> None:
        """Make the metadata database.

        :raises DemoError: if Airflow cannot.
        """
        try:
            done = self.call("airflow", "db", "migrate", timeout=300)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"airflow db migrate did not end within {error.timeout:.0f} s") from error
        if done.returncode:
            raise DemoError(
                f"airflow db migrate ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}"
            )
        # Readers and the writer of this SQLite file do not lock each other out.
        with sqlite3.connect(self.database) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()

    def start_all(self) -> None:
        """Start all of Airflow's processes.

        :raises DemoError: if the API server does not answer in time.
        """
        try:
            super().start_all()
        except RuntimeError as error:
            raise DemoError(str(error)) from error

    def check(self) -> None:
        """Raise a `DemoError` if one of Airflow's processes has ended."""
        if name := self.dead():
            raise DemoError(f"Airflow's {name} has ended by itself; the end of its log:\n{self.log(name)}")

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call Airflow's REST API.

        :param method: HTTP method.
        :param path: path below ``/api/v2``.
        :param body: JSON to send.
        :raises OSError: if it does not answer, or with an error.
        """
        if not self._token:
            self._token = self._request("GET", "/auth/token", None)["access_token"]
        return self._request(method, f"/api/v2{path}", body)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            return json.loads(reply.read())

    def wait_for_dag(self, seconds: float = 120) -> None:
        """Wait until Airflow has read the DAG.

        :raises DemoError: if it cannot, with Airflow's import error.
        """
        until = time.monotonic() + seconds
        while True:
            self.check()
            try:
                self.api("GET", f"/dags/{DAG_ID}")
                return
            except OSError:
                pass
            try:
                errors = self.api("GET", "/importErrors")["import_errors"]
            except OSError:
                errors = []
            if errors:
                raise DemoError(f"Airflow cannot import the DAG:\n{errors[0]['stack_trace']}")
            if time.monotonic() > until:
                raise DemoError(f"Airflow did not read the DAG within {seconds:.0f} s; see {self.services}")
            time.sleep(0.3)

    def trigger(self, conf: dict[str, Any]) -> str:
        """Start a run of the DAG and return its id.

        :param conf: the DAG's params.
        :raises DemoError: if Airflow refuses, with its words, or does not answer.
        """
        try:
            run = self.api("POST", f"/dags/{DAG_ID}/dagRuns", {"logical_date": None, "conf": conf})
        except urllib.error.HTTPError as error:
            raise DemoError(f"Airflow refuses the run: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise DemoError(f"Airflow's API does not answer: {error}") from error
        return str(run["dag_run_id"])

    def run_state(self, run_id: str) -> str:
        """Return the state of a DAG run."""
        return str(self.api("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}")["state"])

    def task_instances(self, run_id: str) -> list[dict[str, Any]]:
        """Return the run's task instances as the API gives them."""
        found = self.api("GET", f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances?limit=100")
        return list(found["task_instances"])

    def task_folder(self, run_id: str, task_id: str) -> Path:
        """Return the directory of a task's logs."""
        return self.tasks / f"dag_id={DAG_ID}" / f"run_id={run_id}" / f"task_id={task_id}"
