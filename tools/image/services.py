"""Airflow's own processes as in a deployment: scheduler, triggerer, and what the version needs beside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """Return a TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float) -> bool:
    """Return whether something listens on the port within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


STARTED: list[subprocess.Popen[bytes]] = []


def stop_everything() -> None:
    """End every process that was started here, with its children; for a run that is broken off."""
    for process in STARTED:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Airflow:
    """One Airflow deployment in a directory of its own, with its database in SQLite.

    :param binaries: the ``bin`` directory of the environment that Airflow is installed in.
    :param home: AIRFLOW_HOME; ``dags`` and ``plugins`` lie in it.
    :param major: Airflow's major version.
    :param settings: further environment variables, ``AIRFLOW__SECTION__KEY`` or others.
    """

    def __init__(
        self, binaries: Path, home: Path, major: int, settings: dict[str, str] | None = None
    ) -> None:
        self.binaries, self.home, self.major = binaries, home, major
        self.database = home / "airflow.db"
        self.port = free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for folder in ("dags", "plugins", "logs"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        base = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("AIRFLOW", "AWS_", "PYTHON", "VIRTUAL_ENV"))
        }
        self.environment = {
            **base,
            "PATH": f"{binaries}:{base.get('PATH', '')}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor" if major >= 3 else "SequentialExecutor",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY": "True",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of-the-test-only-and-long-enough-for-HS512-to-take-it-as-it-is---",
            "AIRFLOW__API__SECRET_KEY": "of-the-test-only",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            **(settings or {}),
        }

    def call(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs to its end and return its result."""
        program = str(self.binaries / command[0])
        return subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.home,
            timeout=timeout,
            check=False,
        )

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of the deployment; its output goes to ``<name>.log`` in the home directory."""
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(self.binaries / command[0]), *command[1:]],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=self.home,
                start_new_session=True,
            )
        self.running[name] = process
        STARTED.append(process)
        return process

    def start_triggerer(self) -> None:
        """Start the triggerer."""
        self.start("triggerer", "airflow", "triggerer", "--skip-serve-logs")

    def start_all(self) -> None:
        """Start the scheduler, the triggerer and, for Airflow 3, the API server and the DAG processor.

        :raises RuntimeError: if the API server does not answer in time.
        """
        if self.major >= 3:
            self.start("api-server", "airflow", "api-server")
            self.start("dag-processor", "airflow", "dag-processor")
            # A task that starts before the API server answers fails.
            if not wait_for_port(self.port, 120):
                raise RuntimeError(f"the API server does not answer: {self.log('api-server')}")
        self.start("scheduler", "airflow", "scheduler", "--skip-serve-logs")
        self.start_triggerer()

    def dead(self) -> str | None:
        """Return the name of a process that has ended by itself, or None."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def log(self, name: str, last: int = 2000) -> str:
        """Return the end of a process's log."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace")[-last:] if path.exists() else ""

    def kill(self, name: str) -> None:
        """End a process and all its children with SIGKILL, as a lost machine would."""
        process = self.running.pop(name)
        self._signal(process, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End all processes: asked first, then by force."""
        for process in self.running.values():
            self._signal(process, signal.SIGTERM)
        end = time.monotonic() + 10
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            self._signal(process, signal.SIGKILL)
            process.wait()
        self.running.clear()

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def query(self, statement: str, *values: str) -> list[tuple]:  # type: ignore[type-arg]
        """Read the metadata database; an empty list while it is locked or not there."""
        try:
            connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        except sqlite3.OperationalError:
            return []
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()
