"""Glue job runs: the job's script on local Spark (or Python), its output in CloudWatch Logs."""

from __future__ import annotations

import shlex
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin import failure
from mwaalib.testing.standin.emr.command import environment
from mwaalib.testing.standin.processes import Child
from mwaalib.testing.standin.spark import SparkMissingError

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

LOG_GROUP = "/aws-glue/jobs"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED")
_SHIMS = Path(__file__).parents[1] / "shims"
_LOG_EVERY = 1.0
#: Arguments that Glue takes for itself; scripts see them all the same.
_PY_FILES = "--extra-py-files"


def _now() -> Any:
    from moto.core.utils import utcnow

    return utcnow()


class JobRun:
    """The work of one job run, in a thread of its own.

    :param runtime: the stand-in's parts.
    :param job: moto's job.
    :param run: moto's job run.
    """

    def __init__(self, runtime: Runtime, job: Any, run: Any) -> None:
        self._runtime = runtime
        self._job = job
        self.run = run
        self._region = job.backend.region_name
        self._work = runtime.work_dir("glue", run.job_run_id)
        self._child: Child | None = None
        self._stop = threading.Event()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._shipped = {"output": 0, "error": 0}
        run.status = "STARTING"
        run.completed_on = None

    def start(self) -> None:
        """Begin the run."""
        threading.Thread(target=self._live, name=self.run.job_run_id[:12], daemon=True).start()

    def stop(self) -> None:
        """Stop the run as BatchStopJobRun does: STOPPING, then STOPPED."""
        with self._lock:
            if self.run.status in ENDED:
                return
            self.run.status = "STOPPING"
        self._stop.set()
        threading.Thread(target=self._kill, daemon=True).start()

    def drive(self, state: str, message: str) -> None:
        """Put the run into a state that a test wants; its work, if any, is ended when the state is final."""
        with self._lock:
            self.run.driven = True
            self.run.status = state
            if state in ENDED:
                self.run.completed_on = _now()
                self.run.error_message = message or None
                self._stop.set()
        if state in ENDED:
            self._kill()

    def _kill(self) -> None:
        time.sleep(self._runtime.settings.phase("glue.stopping"))
        if self._child is not None:
            self._child.stop()

    def _live(self) -> None:
        if self._stop.wait(self._runtime.settings.phase("glue.starting")):
            self._finish("STOPPED", None)
            return
        self._set("RUNNING")
        started = time.monotonic()
        try:
            state, message = self._execute()
        except (FileNotFoundError, PermissionError, SparkMissingError, ValueError) as error:
            state, message = "FAILED", str(error)
            self._log("error", message)
        except Exception as error:  # the stand-in's own failure must not leave the run running
            state, message = "ERROR", f"{type(error).__name__}: {error}"
        self.run.execution_time = round(time.monotonic() - started)
        self._finish(state, message)

    def _execute(self) -> tuple[str, str | None]:
        runtime = self._runtime
        runtime.mirror.sync()
        command, env = self._command()
        limit = float(self.run.timeout) * 60 if self.run.timeout else None
        paths = {"output": self._work / "stdout", "error": self._work / "stderr"}
        with paths["output"].open("wb") as out, paths["error"].open("wb") as err:
            self._child = runtime.supervisor.start(command, cwd=self._work, env=env, stdout=out, stderr=err)
            if self._stop.is_set():
                self._child.stop()
            timed_out = False
            begin = time.monotonic()
            while (status := self._child.wait(_LOG_EVERY)) is None:
                self._ship(paths)
                if limit is not None and time.monotonic() - begin > limit:
                    timed_out = True
                    self._child.stop()
        self._ship(paths, final=True)
        runtime.mirror.sync()
        if self._stop.is_set():
            return "STOPPED", None
        if timed_out:
            return "TIMEOUT", "Job run exceeded its timeout"
        if status == 0:
            return "SUCCEEDED", None
        return "FAILED", failure.cause(paths["error"].read_text("utf-8", "replace")[-65536:], status)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        runtime, job = self._runtime, self._job
        location = (job.command or {}).get("ScriptLocation")
        if not location:
            raise ValueError(f"job {job.name} has no ScriptLocation")
        script = runtime.spark.fetch(location, self._work)
        given = {str(name): str(value) for name, value in (self.run.arguments or {}).items()}
        arguments = [
            "--JOB_NAME", job.name, "--JOB_ID", f"j_{job.name}", "--JOB_RUN_ID", self.run.job_run_id,
        ]  # fmt: skip
        for name, value in given.items():
            arguments += [name, value]
        env = environment(runtime.environment(self._region), runtime.settings.python)
        py_files = [runtime.spark.fetch(p, self._work) for p in given.get(_PY_FILES, "").split(",") if p]
        env["PYTHONPATH"] = ":".join([str(_SHIMS), *py_files])
        if (job.command or {}).get("Name") == "pythonshell":
            return [runtime.settings.python, script, *arguments], env
        # Not by spark-submit, which would put the script's stderr into stdout.
        options: list[str] = []
        for conf in given.get("--conf", "").split(" --conf "):
            if conf.strip():
                options += ["--conf", conf.strip()]
        if py_files:
            options += ["--py-files", ",".join(py_files)]
        env = runtime.spark.environment(env, self._work)
        env["PYSPARK_SUBMIT_ARGS"] = f"{shlex.join(options)} {env['PYSPARK_SUBMIT_ARGS']}"
        return [runtime.settings.python, script, *arguments], env

    def _ship(self, paths: dict[str, Path], final: bool = False) -> None:
        for name, path in paths.items():
            with path.open("rb") as file:
                file.seek(self._shipped[name])
                content = file.read()
            if not final:  # a line is sent when it is whole
                content = content[: content.rfind(b"\n") + 1]
            self._shipped[name] += len(content)
            self._log(name, content.decode("utf-8", "replace"))

    def _log(self, kind: str, text: str) -> None:
        group = self.run.log_group
        self._runtime.store.log(self._region, f"{group}/{kind}", self.run.job_run_id, text)

    def _set(self, state: str) -> None:
        with self._lock:
            if not getattr(self.run, "driven", False) and self.run.status not in ENDED:
                self.run.status = state
                self.run.modified_on = _now()

    def _finish(self, state: str, message: str | None) -> None:
        with self._lock:
            if not getattr(self.run, "driven", False):
                self.run.error_message = message
                self.run.completed_on = self.run.modified_on = _now()
                self.run.status = state
        self._done.set()


class JobRuns:
    """All job runs of the stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._runs: dict[str, JobRun] = {}

    def begin(self, job: Any, run: Any) -> None:
        """Let a new job run do its work."""
        self._runs[run.job_run_id] = JobRun(self._runtime, job, run)
        self._runs[run.job_run_id].start()

    def get(self, run_id: str) -> JobRun | None:
        """Return a job run's work."""
        return self._runs.get(run_id)

    def close(self) -> None:
        """Begin to stop all runs (their processes are ended by the supervisor)."""
        for run in self._runs.values():
            run.stop()
        self._runs = {}
