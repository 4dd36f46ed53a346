"""Sensor of AWS Glue's jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable
from mwaalib.hooks.glue import GlueJobHook
from mwaalib.job import Wait, timeout_of
from mwaalib.operators.base_aws import aws_template_fields
from mwaalib.sensors.base_aws import AwsBaseSensor

if TYPE_CHECKING:
    from mwaalib.compat import Context


class GlueJobSensor(AwsBaseSensor[GlueJobHook]):
    """Waits until a run of a Glue job has succeeded.

    :param job_name: Name of the job. (templated)
    :param run_id: Id of the run. (templated)
    :param verbose: Whether the run's own log goes to the task's log.
    :param deferrable: Whether to wait in the triggerer.
    :param poke_interval: Seconds between looks.
    :param max_retries: Looks until a deferred wait gives up.
    :param aws_conn_id: Airflow connection; None or empty means the default credential chain.
    :raises JobFailedError: when the run failed, with its error message and log tail.
    """

    SUCCESS_STATES = ("SUCCEEDED",)
    FAILURE_STATES = ("FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED")

    aws_hook_class = GlueJobHook
    template_fields: Sequence[str] = aws_template_fields("job_name", "run_id")

    def __init__(
        self,
        *,
        job_name: str,
        run_id: str,
        verbose: bool = False,
        deferrable: bool = default_deferrable(),
        poke_interval: int = 120,
        max_retries: int = 60,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, aws_conn_id=aws_conn_id, **kwargs)
        self.job_name = job_name
        self.run_id = run_id
        self.verbose = verbose
        self.deferrable = deferrable
        self.max_retries = max_retries
        self.next_log_tokens = GlueJobHook.LogContinuationTokens()

    def sensor_wait(self) -> Wait:
        return Wait(
            kind="glue_job_run",
            ids=[self.run_id],
            parent=self.job_name,
            success=list(self.SUCCESS_STATES),
            failure=list(self.FAILURE_STATES),
            delay=self.poke_interval,
            verbose=self.verbose,
        )

    def deferred_timeout(self) -> float | None:
        return timeout_of(self.poke_interval, self.max_retries)

    def look(self, context: Context) -> str:
        state = self.hook.get_job_state(self.job_name, self.run_id)
        if self.verbose:
            self.hook.print_job_logs(self.job_name, self.run_id, self.next_log_tokens)
        return state
