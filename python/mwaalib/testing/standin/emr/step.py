"""One running step: its process, its logs in S3, and why it failed."""

from __future__ import annotations

import gzip
import logging
import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin import failure
from mwaalib.testing.standin.emr.command import StepCommandError, environment, translate
from mwaalib.testing.standin.processes import Child
from mwaalib.testing.standin.spark import SparkMissingError

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

log = logging.getLogger(__name__)

_TAIL = 64 * 1024


class StepRun:
    """The work of one step.

    :param runtime: the stand-in's parts.
    :param cluster: moto's cluster.
    :param step: moto's step.
    """

    def __init__(self, runtime: Runtime, cluster: Any, step: Any) -> None:
        self._runtime = runtime
        self._step = step
        self._region = cluster.emr_backend.region_name
        self._work = runtime.work_dir("emr", cluster.id, step.id)
        self._log_uri = cluster.log_uri
        self._log_prefix = f"{(cluster.log_uri or '').rstrip('/')}/{cluster.id}/steps/{step.id}"
        self._child: Child | None = None
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether the step was told to stop."""
        return self._stopping

    def run(self) -> dict[str, str] | None:
        """Run the step to its end.

        :return: None when it succeeded, else its FailureDetails.
        """
        stdout, stderr = self._work / "stdout", self._work / "stderr"
        stdout.touch()
        try:
            status = self._execute(stdout, stderr)
            message = failure.cause(_tail(stderr), status, _tail(stdout)) if status else ""
        except (FileNotFoundError, PermissionError, StepCommandError, SparkMissingError, ValueError) as error:
            status, message = 1, _plain(error)
            stderr.write_text(message + "\n")
        self._control(f"ended with exit status {status}")
        self._runtime.mirror.sync()
        self._upload()
        if status == 0:
            return None
        details = {"Reason": "Unknown Error.", "Message": message}
        if self._log_uri:
            details["LogFile"] = f"{self._log_prefix}/stderr.gz"
        return details

    def stop(self) -> None:
        """End the step's processes."""
        self._stopping = True
        if self._child is not None:
            self._child.stop()

    def _execute(self, stdout: Path, stderr: Path) -> int:
        runtime, step = self._runtime, self._step
        runtime.mirror.sync()
        main_class = step.hadoop_jar_step.get("MainClass")
        command = translate(step.jar, main_class, list(step.args or []), runtime.spark, self._work)
        env = environment(runtime.environment(self._region), runtime.settings.python)
        if command[0].endswith("spark-submit"):
            env = runtime.spark.environment(env, self._work)
        else:
            env = runtime.spark.shell_environment(env, self._work)
        self._control(f"startExec {shlex.join(command)}")
        with stdout.open("wb") as out, stderr.open("wb") as err:
            self._child = runtime.supervisor.start(command, cwd=self._work, env=env, stdout=out, stderr=err)
            if self._stopping:
                self._child.stop()
            return self._child.wait() or 0

    def _control(self, text: str) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with (self._work / "controller").open("a") as controller:
            controller.write(f"{now} INFO {text}\n")

    def _upload(self) -> None:
        if not self._log_uri:
            return
        for name in ("controller", "stdout", "stderr"):
            path = self._work / name
            if path.exists():
                try:
                    self._runtime.store.write(
                        f"{self._log_prefix}/{name}.gz", gzip.compress(path.read_bytes(), 1)
                    )
                except (FileNotFoundError, ValueError) as error:
                    log.warning("logs of %s not written: %s", self._step.id, error)
                    return


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", "replace")


def _plain(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f'Cannot run program "{error.filename}": {error.strerror}'
    return str(error)
