"""The one way every job runs.

An operator declares a `Job`; `JobOperator.run_job` does the rest: find the one already started or
start it, publish its links and XComs, wait in the worker or defer, and return or raise with the cause.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from mwaalib import _json, _native, metrics
from mwaalib._json import literal
from mwaalib.compat import airflow_version, conf
from mwaalib.exceptions import InternalError, MwaalibError, WaitCancelledError, from_dict

if TYPE_CHECKING:
    from mwaalib.compat import Context

# Airflow's own timeout of a deferred task: only for the case that no triggerer reports the deadline.
_GRACE = 120.0

# The standard library's logger in Airflow 2, structlog's in Airflow 3.
Log: TypeAlias = Any


class Wait(NamedTuple):
    """What to wait for.

    :param kind: Kind of job, as `emr_step`.
    :param ids: Ids of the jobs; all must end well.
    :param parent: What the ids belong to: the cluster of steps, the name of a Glue job.
    :param success: States that end the wait well; None means the service's own.
    :param failure: States that end it badly; None means the service's own.
    :param delay: Seconds between looks.
    :param deadline: Unix time at which the wait gives up; None waits without end.
    :param verbose: Whether the job's own log goes to the task log (Glue).
    :param since: Unix time of the start, where the service keeps one state for all runs (crawlers).
    """

    kind: str
    ids: list[str]
    parent: str | None = None
    success: list[str] | None = None
    failure: list[str] | None = None
    delay: float = 30.0
    deadline: float | None = None
    verbose: bool = False
    since: float | None = None

    def within(self, seconds: float | None) -> Wait:
        """Return this wait with a deadline so many seconds from now; None means without one."""
        return self._replace(deadline=None if seconds is None else time.time() + seconds)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        # The core wants to be told how often to look; at once and always is no answer.
        return {**self._asdict(), "delay": max(float(self.delay), 0.05)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Wait:
        """Return the wait of a JSON form; members it does not know are left out."""
        return cls(**{name: value for name, value in data.items() if name in cls._fields})

    def to_json(self) -> str:
        """Return the text the native core takes."""
        return json.dumps(self.to_dict())

    def block(self, session: Any, log: Log) -> list[dict[str, Any]]:
        """Wait in this thread, logging changes of state.

        :param session: Native session.
        :param log: The task's log.
        :return: One dict per id with `id`, `state` and `detail`.
        :raises JobFailedError: when a job failed.
        :raises WaitTimeoutError: at the deadline.
        """
        reply = session.wait(self.to_json(), lambda event: log_event(log, event))
        return json.loads(reply)["results"]


class Job(NamedTuple):
    """What to start, and how to wait for it.

    :param kind: Kind of job, as `glue_job_run`.
    :param request: Members of the request as AWS names them.
    :param reuse: Whether a run that an earlier attempt of the same task started is taken over; None means
        by a retry, as a first attempt has no earlier one. Without (False) the start carries no key either.
    :param delay: Seconds between looks.
    :param timeout: Seconds until the wait gives up; None waits without end.
    :param success: States that end the wait well; None means the service's own.
    :param failure: States that end it badly; None means the service's own.
    :param verbose: Whether the job's own log goes to the task log.
    """

    kind: str
    request: dict[str, Any]
    reuse: bool | None = None
    delay: float = 60.0
    timeout: float | None = None
    success: list[str] | None = None
    failure: list[str] | None = None
    verbose: bool = False

    def to_json(self, key: str | None, *, reuse: bool = True, since: float | None = None) -> str:
        """Return the text the native core takes.

        :param key: The job's key, see `job_key`.
        :param reuse: Whether what is found under the key is taken over, where the job leaves that open.
        :param since: Unix time before which nothing can have been started under the key.
        """
        data = {"kind": self.kind, "request": self.request, "key": key, "since": since}
        return _json.dumps({**data, "reuse": reuse if self.reuse is None else self.reuse})

    def wait_for(self, started: Started) -> Wait:
        """Return the wait for what was started, its deadline counted from now."""
        return Wait(
            kind=self.kind,
            ids=started.ids,
            parent=started.parent,
            success=self.success,
            failure=self.failure,
            delay=self.delay,
            verbose=self.verbose,
            since=started.since,
        ).within(self.timeout)


class Started(NamedTuple):
    """What the start of a job gave.

    :param ids: Ids of the jobs.
    :param parent: What the ids belong to.
    :param reattached: None when it was started now, else what was found: `pending` or `succeeded`.
    :param since: Unix time from which this run counts, where the service keeps one state for all runs.
    :param notice: What the start could not make sure of.
    """

    ids: list[str]
    parent: str | None = None
    reattached: str | None = None
    since: float | None = None
    notice: str | None = None


def job_key(context: Context, retries: int | None, part: str = "") -> str | None:
    """Return the key under which a retry finds what its crashed predecessor started.

    The same for every retry of one task instance; a cleared task gets another, as Airflow then raises
    `max_tries`, and so does the same task of another deployment. At most 80 characters of letters, digits, `-` and `_`.

    :param context: Context of the running task.
    :param retries: The operator's `retries`.
    :param part: Tells apart several jobs of one task.
    :return: The key, or None outside a task instance.
    """
    ti = context.get("ti") if context else None
    if ti is None:
        return None
    map_index = getattr(ti, "map_index", -1)
    parts = (ti.dag_id, ti.task_id, ti.run_id, -1 if map_index is None else map_index)
    generation = (getattr(ti, "max_tries", 0) or 0) - (retries or 0)
    whole = [deployment(), *parts, generation, part]
    digest = hashlib.sha256(json.dumps(whole, default=str).encode()).hexdigest()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", str(ti.task_id))[:47].strip("-")
    return f"{name}-{digest[:32]}"


def deployment() -> str:
    """Return what tells this Airflow from others of the same AWS account, or an empty text."""
    return conf.get("mwaalib", "deployment", fallback=None) or os.environ.get("AIRFLOW_ENV_NAME") or ""


def is_retry(context: Context) -> bool:
    """Return whether an earlier attempt of the running task may have started something."""
    return (getattr(context.get("ti"), "try_number", None) or 1) > 1


def run_began(context: Context) -> float | None:
    """Return the Unix time at which the DAG run began: nothing of it is older."""
    began = getattr(context.get("dag_run"), "start_date", None)
    return None if began is None else began.timestamp()


def start(
    session: Any, job: Job, key: str | None, log: Log, *, reuse: bool = True, since: float | None = None
) -> Started:
    """Start a job, or take over the one that an earlier attempt of this task started.

    :param session: Native session.
    :param job: The job.
    :param key: Its key, see `job_key`.
    :param log: The task's log.
    :param reuse: Whether a job found under the key is taken over, where the job leaves that open.
    :param since: Unix time before which nothing can have been started under the key.
    """
    reply = json.loads(session.start(job.to_json(key, reuse=reuse, since=since)))
    told = {name: value for name, value in reply.items() if name in Started._fields and value is not None}
    started = Started(**told)
    ids = ", ".join(started.ids)
    if started.reattached == "succeeded":
        log.info("%s %s of an earlier attempt of this task has succeeded: adopting it", job.kind, ids)
    elif started.reattached:
        log.info("%s %s runs already: taking it over", job.kind, ids)
    else:
        log.info("Started %s %s", job.kind, ids)
    if started.notice:
        log.warning("%s", started.notice)
    return started


def log_event(log: Log, text: str) -> None:
    """Write one event of a wait to the task's log."""
    event = json.loads(text)
    if event.get("type") == "state":
        log.info("%s %s: %s", event.get("kind"), event.get("id"), event.get("state"))
    elif event.get("type") == "log":
        log.info("[%s] %s", event.get("stream"), str(event.get("message", "")).rstrip("\n"))
    elif event.get("message"):
        log.info("%s", event["message"])


def read_event(event: dict[str, Any] | None) -> tuple[Wait, MwaalibError | None]:
    """Read what the trigger reported.

    :param event: The trigger event's payload.
    :return: The wait, and the error it ended with, if it did.
    """
    if not event or "wait" not in event:
        raise InternalError(f"not an event of mwaalib's trigger: {event!r}")
    error = from_dict(event["error"]) if event.get("status") != "success" else None
    return Wait.from_dict(event["wait"]), error


class JobOperator:
    """What operators and sensors that wait for jobs have in common; mixed in before Airflow's base.

    `hook`, `aws_conn_id` and so on come from the base; see `mwaalib.operators.base_aws`.
    """

    hook: Any
    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None
    retries: int | None
    log: Log

    # What on_kill cancels: set while a wait runs in this process.
    _wait: Wait | None = None
    # Whether the task's thread is inside that wait now.
    _in_wait = False

    def run_job(self, context: Context, job: Job, *, wait: bool = True, deferrable: bool = False) -> Any:
        """Run a job from its start to its end.

        :param context: Context of the running task.
        :param job: What to run.
        :param wait: Whether to wait for its end at all.
        :param deferrable: Whether to wait in the triggerer.
        :return: What `job_done` makes of it.
        """
        key = None if job.reuse is False else job_key(context, self.retries)
        reuse, since = is_retry(context), run_began(context)
        started = start(self.hook.session, job, key, self.log, reuse=reuse, since=since)
        pending = job.wait_for(started)
        self._wait = pending
        self.job_started(context, started)
        if not wait:
            return self.job_done(context, pending)
        return self.wait_job(context, pending, deferrable=deferrable)

    def wait_job(self, context: Context, wait: Wait, *, deferrable: bool = False) -> Any:
        """Wait for a job that runs already.

        :param context: Context of the running task.
        :param wait: What to wait for.
        :param deferrable: Whether to wait in the triggerer.
        :return: What `job_done` makes of it.
        """
        self._wait = wait
        if deferrable:
            self.defer_wait(wait)
        try:
            self.block(wait)
        except MwaalibError as error:
            self.job_failed(context, wait, error)
            raise
        return self.job_done(context, wait)

    def block(self, wait: Wait) -> list[dict[str, Any]]:
        """Wait in this thread until the end, or until the task is killed.

        :param wait: What to wait for.
        :return: One dict per id with `id`, `state` and `detail`.
        """
        self._wait, self._in_wait = wait, True
        try:
            return wait.block(self.hook.session, self.log)
        finally:
            self._in_wait = False
            metrics.publish()

    def defer_wait(self, wait: Wait) -> NoReturn:
        """Give the worker free until the trigger reports the end of the wait."""
        from mwaalib.connection.client_options import options
        from mwaalib.triggers.wait import WaitTrigger

        trigger = WaitTrigger(
            wait=wait.to_dict(),
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            botocore_config=options(self.botocore_config) or None,
            service=self.hook.client_type,
            cancel_on_kill=self.cancels_on_kill(),
        )
        timeout = None
        if wait.deadline is not None:
            timeout = timedelta(seconds=max(wait.deadline - time.time(), 0) + _GRACE)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)  # type: ignore[attr-defined]
        raise AssertionError("defer returned")

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Go on after the trigger has reported the end of the wait.

        :param context: Context of the running task.
        :param event: What the trigger reported.
        """
        wait, error = read_event(event)
        if error is not None:
            self.job_failed(context, wait, error)
            raise error
        self.log.info("%s %s ended well", wait.kind, ", ".join(wait.ids))
        return self.job_done(context, wait)

    def on_kill(self) -> None:
        """Cancel the job, where the operator promises it, and end the wait that runs in this thread.

        :raises WaitCancelledError: to end the wait. Airflow 3 calls this from its signal handler and goes on
            with the task when it returns; Airflow 2 raises an error of its own.
        """
        if self._wait is not None and self.cancels_on_kill():
            self._cancel(self._wait)
        if self._in_wait and airflow_version() >= (3,):
            raise WaitCancelledError("the task was killed while it waited")

    def _cancel(self, wait: Wait) -> None:
        self.log.info("Cancelling %s %s", wait.kind, ", ".join(wait.ids))
        try:
            self.hook.session.cancel(wait.to_json())
        except MwaalibError:
            self.log.exception("%s %s could not be cancelled", wait.kind, ", ".join(wait.ids))

    def job_started(self, context: Context, started: Started) -> None:
        """Publish what is known of a job that has just started: links, XComs."""

    def job_done(self, context: Context, wait: Wait) -> Any:
        """Return the task's value, once the job has ended well or was not to be waited for."""
        return wait.ids[0] if wait.ids else None

    def job_failed(self, context: Context, wait: Wait, error: MwaalibError) -> None:
        """Clean up after a job that failed or took too long; the error is raised afterwards."""

    def cancels_on_kill(self) -> bool:
        """Return whether the job ends with the task when a user kills the task."""
        return False


def timeout_of(delay: float, attempts: float | None) -> float | None:
    """Return how many seconds `attempts` looks, `delay` seconds apart, take; None for no limit."""
    return None if attempts is None else float(delay) * float(attempts)


def as_list(states: str | Iterable[str] | None) -> list[str] | None:
    """Return states as a list; templates may have turned a list into one name, or into its text."""
    if states is None:
        return None
    if isinstance(states, str):
        states = literal(states, "states") if states.strip()[:1] in ("[", "(", "{") else [states.strip()]
    return [str(state) for state in states]


def states_of(kind: str, states: str | Iterable[str] | None, name: str) -> list[str] | None:
    """Return states as a list, once each is known to be one: a misspelt one would never be reached.

    :param kind: Kind of job, as `emr_step`.
    :param states: The states, or their text; None means the service's own.
    :param name: What they are called in the error.
    """
    found = as_list(states)
    known = {state for part in _native.states(kind).values() for state in part}
    for state in found or ():
        if state not in known:
            # Only here: every DAG file imports this module.
            from difflib import get_close_matches

            close = get_close_matches(state, sorted(known), n=1)
            hint = f", did you mean {close[0]!r}?" if close else f", known are {', '.join(sorted(known))}"
            raise MwaalibError(f"{name}: {kind} has no state {state!r}{hint}")
    return found
