"""Child processes: each in its own process group, none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

_KEEPER = Path(__file__).with_name("keeper.py")


class Child:
    """One running command and its process group."""

    def __init__(self, supervisor: Supervisor, process: subprocess.Popen[bytes]) -> None:
        self._supervisor = supervisor
        self.process = process
        self.stopped = False

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the command.

        :param timeout: seconds to wait at most; forever when None.
        :return: its exit status, or None when it still runs after ``timeout``.
        """
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        # What the command left in the background ends with it.
        self._signal(signal.SIGKILL)
        self._supervisor.forget(self)
        return status

    def stop(self, grace: float = 2.0) -> None:
        """End the whole process group: SIGTERM, then SIGKILL after ``grace`` seconds."""
        self.stopped = True
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        # A group member may have outlived its leader.
        self._signal(signal.SIGKILL)
        self.process.wait()
        self._supervisor.forget(self)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Supervisor:
    """Starts children and sees to it that they end with the stand-in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._closed = False
        self._keeper = subprocess.Popen(
            [sys.executable, "-S", "-E", str(_KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def start(
        self,
        command: list[str],
        *,
        cwd: Path,
        env: dict[str, str],
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> Child:
        """Run a command in its own process group.

        :raises FileNotFoundError, PermissionError: the program cannot be run.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the stand-in is stopping")
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            child = Child(self, process)
            self._children.add(child)
            self._tell(f"+{process.pid}")
        return child

    def forget(self, child: Child) -> None:
        """Drop an ended child."""
        with self._lock:
            if child in self._children:
                self._children.discard(child)
                self._tell(f"-{child.process.pid}")

    def close(self) -> None:
        """End all children, then the keeper."""
        with self._lock:
            self._closed = True
        self.end_all()
        if self._keeper.stdin:
            self._keeper.stdin.close()
        self._keeper.wait(5)

    def end_all(self) -> None:
        """End all children there are."""
        with self._lock:
            children = list(self._children)
        for child in children:
            child._signal(signal.SIGTERM)
        until = time.monotonic() + 2.0
        for child in children:
            child.stop(max(0.0, until - time.monotonic()))

    def _tell(self, line: str) -> None:
        try:
            assert self._keeper.stdin is not None
            self._keeper.stdin.write(line + "\n")
            self._keeper.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass
