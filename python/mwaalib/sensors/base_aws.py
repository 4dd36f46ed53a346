"""Base of the sensors: one blocking native wait, single looks in reschedule mode, or a deferred wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib import _native
from mwaalib.compat import NOTSET, ArgNotSet, BaseSensorOperator
from mwaalib.exceptions import SensorTimeoutError, UnknownStateError, WaitTimeoutError
from mwaalib.job import Wait
from mwaalib.operators.base_aws import AwsHookMixin, AwsHookType, aws_template_fields

if TYPE_CHECKING:
    from mwaalib.compat import Context


class AwsBaseSensor(AwsHookMixin[AwsHookType], BaseSensorOperator):
    """Base of the sensors.

    :param aws_conn_id: Airflow connection; None or empty means the default credential chain. An id
        that does not exist is an error, but for `aws_default`.
    :param region_name: Region; None means that of the connection, then of the environment.
    :param verify: Whether to check certificates, or the path of a CA file.
    :param botocore_config: Client options as dict: retries, time-outs, proxies.
    """

    template_fields: Sequence[str] = aws_template_fields()
    deferrable: bool = False

    _blocking = False

    # Not in the mixin: Airflow takes parameters (of partial(), in default_args) from operators' classes alone.
    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        region: str | ArgNotSet | None = NOTSET,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = self._take_region(region_name, region)
        self.verify = verify
        self.botocore_config = botocore_config

    def sensor_wait(self) -> Wait:
        """Return what the sensor waits for, without a deadline."""
        raise NotImplementedError

    def look(self, context: Context) -> str:
        """Ask AWS once and return the state."""
        raise NotImplementedError

    def deferred_timeout(self) -> float | None:
        """Return how many seconds a deferred wait may take."""
        return self.timeout

    def execute(self, context: Context) -> Any:
        if self.deferrable:
            self.job_seen(context)
            return self.wait_job(context, self.sensor_wait().within(self.deferred_timeout()), deferrable=True)
        # In poke mode one native wait does all the looking. Airflow's own loop stays around it: it knows
        # what soft_fail, silent_fail and never_fail mean in this version.
        self._blocking = not self.reschedule and not self.exponential_backoff and not self._pokes_itself()
        try:
            return super().execute(context)
        finally:
            self._blocking = False

    def poke(self, context: Context) -> bool:
        """Look once; within `execute` in poke mode, wait until the end.

        :param context: Context of the running task.
        :return: Whether the wanted state is reached.
        :raises JobFailedError: when the job failed, with its cause.
        """
        if self._blocking:
            self.job_seen(context)
            self._wait_here(self.timeout)
            self.job_done(context, self.sensor_wait())
            return True
        return self._poke_once(context)

    def _poke_once(self, context: Context) -> bool:
        state = self.look(context)
        wait = self.sensor_wait()
        success, failure, pending = self._states(wait)
        self.log.info("%s %s: %s", wait.kind, ", ".join(wait.ids), state)
        if state in success:
            self.job_done(context, wait)
            return True
        if state in pending:
            return False
        if state not in failure:
            raise UnknownStateError(kind=wait.kind, id=", ".join(wait.ids), state=state)
        # The wait ends at once, with the cause dug out.
        self._wait_here(60)
        return True

    def _wait_here(self, timeout: float) -> None:
        wait = self.sensor_wait().within(timeout)
        try:
            self.block(wait)
        except WaitTimeoutError as error:
            raise SensorTimeoutError(
                kind=error.kind, ids=error.ids, states=error.states, detail=error.detail
            ) from error

    def _states(self, wait: Wait) -> tuple[set[str], set[str], set[str]]:
        known = _native.states(wait.kind)
        success = set(wait.success if wait.success is not None else known["success"])
        failed = set(wait.failure if wait.failure is not None else known["failure"]) - success
        pending = set(known["pending"]) - success - failed
        # A final state that is not the one waited for fails, too: no other follows.
        failure = failed | {state for states in known.values() for state in states} - success - pending
        return success, failure, pending

    def _pokes_itself(self) -> bool:
        """Return whether a user's subclass looks in a way of its own, which no native wait may replace."""
        return not type(self).poke.__module__.startswith("mwaalib.")

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        try:
            return super().execute_complete(context, event)
        except WaitTimeoutError as error:
            raise SensorTimeoutError(
                kind=error.kind, ids=error.ids, states=error.states, detail=error.detail
            ) from error

    def job_seen(self, context: Context) -> None:
        """Publish the links of the job, before the wait."""

    def job_done(self, context: Context, wait: Wait) -> Any:
        """Do what is left once the wanted state is reached; a sensor returns nothing."""
