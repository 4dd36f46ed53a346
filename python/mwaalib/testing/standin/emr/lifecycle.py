"""EMR clusters that live through their states in time and run their steps."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.emr.step import StepRun
from mwaalib.testing.standin.errors import AwsError

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_TERMINATE = ("TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")
_MAX_ACTIVE_STEPS = 256


def _now() -> Any:
    from moto.core.utils import utcnow

    return utcnow()


class ClusterRun:
    """One cluster's life, in a thread of its own.

    :param runtime: the stand-in's parts.
    :param cluster: moto's cluster.
    """

    def __init__(self, runtime: Runtime, cluster: Any) -> None:
        self._runtime = runtime
        self._cluster = cluster
        self._change = threading.Condition(threading.RLock())
        self._running: dict[str, StepRun] = {}
        self._ending: tuple[str, str] | None = None
        self._held = False
        self._idle_since: float | None = None
        self._set_state("STARTING", "", "")
        self._thread = threading.Thread(target=self._live, name=cluster.id, daemon=True)

    def start(self) -> None:
        """Begin the cluster's life."""
        self._thread.start()

    def add_steps(self, steps: list[Any]) -> None:
        """Take notice of steps that were added.

        :raises AwsError: the cluster has ended, or has too many active steps.
        """
        with self._change:
            if self._ending or self._cluster.state in (*ENDED, "TERMINATING"):
                self._drop(steps)
                raise AwsError(
                    "ValidationException",
                    "A job flow that is shutting down, terminated, or finished may not be modified.",
                )
            active = [s for s in self._cluster.steps if s.state in ("PENDING", "RUNNING")]
            if len(active) > _MAX_ACTIVE_STEPS:
                self._drop(steps)
                raise AwsError(
                    "ValidationException",
                    "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') "
                    "for cluster exceeded.",
                )
            self._change.notify_all()

    def cancel(self, step_ids: list[str], terminate: bool) -> list[dict[str, str]]:
        """Cancel steps as CancelSteps does.

        :param terminate: whether a running step's process is ended.
        """
        answers = []
        with self._change:
            for step_id in step_ids:
                step = next((s for s in self._cluster.steps if s.id == step_id), None)
                status, reason = "FAILED", ""
                if step is None:
                    reason = "Invalid StepId"
                elif step.state == "PENDING":
                    status = "SUBMITTED"
                    self._end_step(step, "CANCELLED", "Cancelled by user")
                elif step.state == "RUNNING":
                    status = "SUBMITTED"
                    run = self._running.get(step_id)
                    if run is not None:
                        step.cancelled = True
                        threading.Thread(target=run.stop, daemon=True).start()
                else:
                    reason = f"Step is already in state {step.state}"
                answers.append({"StepId": step_id, "Status": status, "Reason": reason})
            self._change.notify_all()
        return answers

    def terminate(self, code: str, message: str) -> None:
        """Begin to end the cluster."""
        with self._change:
            if self._ending is None and self._cluster.state not in ENDED:
                self._ending = (code, message)
                self._change.notify_all()

    def drive(self, state: str) -> None:
        """Put the cluster into a state that a test wants; it no longer moves by itself until it is ended."""
        with self._change:
            self._held = True
            self._set_state(state, "USER_REQUEST", "set by a test")
            self._change.notify_all()

    def drive_step(self, step_id: str, state: str, message: str) -> None:
        """Put a step into a state that a test wants.

        :raises KeyError: no such step.
        """
        with self._change:
            step = next((s for s in self._cluster.steps if s.id == step_id), None)
            if step is None:
                raise KeyError(step_id)
            step.driven = True
            run = self._running.get(step_id)
            if run is not None and state not in ("PENDING", "RUNNING"):
                threading.Thread(target=run.stop, daemon=True).start()
            if state in ("PENDING", "RUNNING"):
                step.state = state
            else:
                details = {"Reason": "Unknown Error.", "Message": message} if message else None
                self._end_step(step, state, message, details if state == "FAILED" else None)
            self._change.notify_all()

    def _live(self) -> None:
        phase = self._runtime.settings.phase
        if self._wait(phase("emr.starting")):
            with self._change:
                if not self._held:
                    self._set_state("BOOTSTRAPPING", "", "")
            self._wait(phase("emr.bootstrapping"))
        with self._change:
            if not self._ending:
                self._cluster.ready_datetime = _now()
            while not self._ending:
                self._dispatch()
                self._change.wait(timeout=0.5)
        self._end()

    def _wait(self, seconds: float) -> bool:
        """Wait unless the cluster is to end; tell whether it lives on."""
        until = time.monotonic() + seconds
        with self._change:
            while not self._ending and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            return not self._ending

    def _dispatch(self) -> None:
        cluster = self._cluster
        now = time.monotonic()
        due = self._runtime.settings.phase("emr.step_pending")
        pending = [s for s in cluster.steps if s.state == "PENDING" and not getattr(s, "driven", False)]
        for step in pending:
            if len(self._running) >= (cluster.step_concurrency_level or 1):
                break
            if not hasattr(step, "seen_at"):
                step.seen_at = now
            if now - step.seen_at >= due:
                self._start_step(step)
        if self._held:
            return
        active = any(s.state in ("PENDING", "RUNNING") for s in cluster.steps)
        if not active and not cluster.keep_job_flow_alive_when_no_steps:
            self._ending = ("ALL_STEPS_COMPLETED", "Steps completed")
        elif active:
            self._idle_since = None
            if cluster.state != "RUNNING":
                self._set_state("RUNNING", "", "Running step")
        elif cluster.state != "WAITING":
            self._idle_since = now
            self._set_state("WAITING", "USER_REQUEST", "Cluster ready to run steps.")
        elif self._idle_too_long(now):
            self._ending = ("USER_REQUEST", "Cluster terminated due to idle timeout")

    def _idle_too_long(self, now: float) -> bool:
        limit = (getattr(self._cluster, "auto_termination", None) or {}).get("IdleTimeout")
        return limit is not None and self._idle_since is not None and now - self._idle_since >= limit

    def _start_step(self, step: Any) -> None:
        run = StepRun(self._runtime, self._cluster, step)
        self._running[step.id] = run
        step.state = "RUNNING"
        step.start_date_time = _now()
        threading.Thread(target=self._run_step, args=(step, run), name=step.id, daemon=True).start()

    def _run_step(self, step: Any, run: StepRun) -> None:
        try:
            details = run.run()
        except Exception as error:  # the stand-in's own failure must not leave the step running
            details = {"Reason": "Unknown Error.", "Message": f"{type(error).__name__}: {error}"}
        with self._change:
            self._running.pop(step.id, None)
            if getattr(step, "driven", False):
                pass
            elif getattr(step, "cancelled", False):
                self._end_step(step, "CANCELLED", "Cancelled by user")
            elif run.stopping:
                self._end_step(step, "INTERRUPTED", "Cluster terminated")
            elif details is None:
                self._end_step(step, "COMPLETED", "")
            else:
                self._end_step(step, "FAILED", "", details)
                self._act_on_failure(step)
            self._change.notify_all()

    def _act_on_failure(self, step: Any) -> None:
        action = step.action_on_failure
        if action == "CONTINUE":
            return
        for other in self._cluster.steps:
            if other.state == "PENDING":
                self._end_step(other, "CANCELLED", "Job terminated")
        if action in _TERMINATE and not self._cluster.termination_protected:
            self.terminate("STEP_FAILURE", "Shut down as step failed")

    def _end(self) -> None:
        code, message = self._ending or ("USER_REQUEST", "")
        with self._change:
            self._set_state("TERMINATING", code, message)
            for step in self._cluster.steps:
                if step.state == "PENDING":
                    self._end_step(step, "CANCELLED", "Job terminated")
            running = list(self._running.values())
        for run in running:
            run.stop()
        until = time.monotonic() + self._runtime.settings.phase("emr.terminating")
        with self._change:
            while self._running or time.monotonic() < until:
                self._change.wait(max(0.05, until - time.monotonic()))
            self._cluster.end_datetime = _now()
            failed = code in ("STEP_FAILURE", "INTERNAL_ERROR", "BOOTSTRAP_FAILURE")
            self._set_state("TERMINATED_WITH_ERRORS" if failed else "TERMINATED", code, message)

    def _set_state(self, state: str, code: str, message: str) -> None:
        self._cluster.state = state
        self._cluster.change_code = code
        self._cluster.last_state_change_reason = message

    def _drop(self, steps: list[Any]) -> None:
        for step in steps:
            self._cluster.steps.remove(step)

    @staticmethod
    def _end_step(step: Any, state: str, message: str, details: dict[str, str] | None = None) -> None:
        step.state = state
        step.end_date_time = _now()
        step.last_state_change_reason = message or None
        step.failure_details = details


class Clusters:
    """All clusters of the stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._runs: dict[str, ClusterRun] = {}

    def begin(self, cluster: Any) -> None:
        """Let a new cluster live."""
        run = ClusterRun(self._runtime, cluster)
        self._runs[cluster.id] = run
        run.start()

    def get(self, cluster_id: str) -> ClusterRun:
        """Return a cluster's run.

        :raises AwsError: no such cluster.
        """
        run = self._runs.get(cluster_id)
        if run is None:
            raise AwsError("InvalidRequestException", f"Cluster id '{cluster_id}' is not valid.")
        return run

    def close(self) -> None:
        """Begin to end all clusters (their processes are ended by the supervisor)."""
        for run in self._runs.values():
            run.terminate("USER_REQUEST", "the stand-in stops")
        self._runs = {}
