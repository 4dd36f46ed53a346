"""Sensors of Amazon EMR on EC2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable
from mwaalib.exceptions import MwaalibError
from mwaalib.hooks.emr import EmrHook
from mwaalib.job import Wait, as_list, states_of, timeout_of
from mwaalib.links.emr import EmrClusterLink, EmrLogsLink, get_log_uri
from mwaalib.operators.base_aws import aws_template_fields
from mwaalib.sensors.base_aws import AwsBaseSensor

if TYPE_CHECKING:
    from mwaalib.compat import Context


class EmrBaseSensor(AwsBaseSensor[EmrHook]):
    """What EMR's sensors share.

    A subclass of a user may define `get_emr_response`, `state_from_response` and
    `failure_message_from_response`, as with the incumbent: what they say is then looked at by `poke`.
    """

    aws_hook_class = EmrHook
    ui_color = "#66c3ff"

    target_states: Iterable[str]
    failed_states: Iterable[str]
    max_attempts: int

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_states = []
        self.failed_states = []

    def get_emr_response(self, context: Context) -> dict[str, Any]:
        """Ask EMR once."""
        raise NotImplementedError

    @staticmethod
    def state_from_response(response: dict[str, Any]) -> str:
        """Return the state in EMR's reply."""
        raise NotImplementedError

    @staticmethod
    def failure_message_from_response(response: dict[str, Any]) -> str | None:
        """Return why it failed, from EMR's reply."""
        raise NotImplementedError

    def look(self, context: Context) -> str:
        return self.state_from_response(self.get_emr_response(context))

    def poke(self, context: Context) -> bool:
        if type(self).sensor_wait is not AwsBaseSensor.sensor_wait:
            return super().poke(context)
        response = self.get_emr_response(context)
        state = self.state_from_response(response)
        self.log.info("EMR is in state %s", state)
        if state in (as_list(self.failed_states) or ()):
            raise MwaalibError(f"EMR job failed: {self.failure_message_from_response(response)}")
        return state in (as_list(self.target_states) or ())

    def _pokes_itself(self) -> bool:
        own = ("get_emr_response", "state_from_response", "failure_message_from_response", "sensor_wait")
        return (
            super()._pokes_itself()
            or any(not getattr(type(self), name).__module__.startswith("mwaalib.") for name in own)
            or type(self).sensor_wait is AwsBaseSensor.sensor_wait
        )

    def deferred_timeout(self) -> float | None:
        return timeout_of(self.poke_interval, self.max_attempts)

    def _publish_cluster(
        self, context: Context, job_flow_id: str, cluster: dict[str, Any] | None = None
    ) -> None:
        self._publish(EmrClusterLink, context, job_flow_id=job_flow_id)
        if not self.do_xcom_push:
            return
        try:
            log_uri = get_log_uri(cluster=cluster, emr_client=self.hook.conn, job_flow_id=job_flow_id)
        except MwaalibError as error:
            self.log.warning("No link to the cluster's logs: %s", error)
            return
        self._publish(EmrLogsLink, context, job_flow_id=job_flow_id, log_uri=log_uri)


class EmrJobFlowSensor(EmrBaseSensor):
    """Waits until an EMR cluster is in one of the target states.

    :param job_flow_id: Id of the cluster. (templated)
    :param target_states: States waited for; default is `TERMINATED`. To wait until the cluster is up:
        `["RUNNING", "WAITING"]`. (templated)
    :param failed_states: States that fail the task; default is `TERMINATED_WITH_ERRORS`. (templated)
    :param max_attempts: Looks, `poke_interval` seconds apart, until a deferred wait gives up.
    :param deferrable: Whether to wait in the triggerer.
    :raises JobFailedError: when the cluster failed, with EMR's reason.
    """

    template_fields: Sequence[str] = aws_template_fields("job_flow_id", "target_states", "failed_states")
    template_ext: Sequence[str] = ()
    operator_extra_links = (EmrClusterLink(), EmrLogsLink())

    def __init__(
        self,
        *,
        job_flow_id: str,
        target_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        max_attempts: int = 60,
        deferrable: bool = default_deferrable(),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_flow_id = job_flow_id
        self.target_states = target_states or ["TERMINATED"]
        self.failed_states = failed_states or ["TERMINATED_WITH_ERRORS"]
        self.max_attempts = max_attempts
        self.deferrable = deferrable

    def sensor_wait(self) -> Wait:
        return Wait(
            kind="emr_job_flow",
            ids=[self.job_flow_id],
            success=states_of("emr_job_flow", self.target_states, "target_states"),
            failure=states_of("emr_job_flow", self.failed_states, "failed_states"),
            delay=self.poke_interval,
        )

    def job_seen(self, context: Context) -> None:
        self._publish_cluster(context, self.job_flow_id)

    def get_emr_response(self, context: Context) -> dict[str, Any]:
        response = self.hook.conn.describe_cluster(ClusterId=self.job_flow_id)
        self._publish_cluster(context, self.job_flow_id, response)
        return response

    @staticmethod
    def state_from_response(response: dict[str, Any]) -> str:
        return response["Cluster"]["Status"]["State"]

    @staticmethod
    def failure_message_from_response(response: dict[str, Any]) -> str | None:
        reason = response["Cluster"]["Status"].get("StateChangeReason")
        if not reason:
            return None
        return f"for code: {reason.get('Code', 'No code')} with message {reason.get('Message', 'Unknown')}"


class EmrStepSensor(EmrBaseSensor):
    """Waits until a step of an EMR cluster is in one of the target states.

    :param job_flow_id: Id of the cluster. (templated)
    :param step_id: Id of the step. (templated)
    :param target_states: States waited for; default is `COMPLETED`. (templated)
    :param failed_states: States that fail the task; default is `CANCELLED`, `FAILED`, `INTERRUPTED`.
        (templated)
    :param max_attempts: Looks, `poke_interval` seconds apart, until a deferred wait gives up.
    :param deferrable: Whether to wait in the triggerer.
    :raises JobFailedError: when the step failed, with the tail of its stderr.
    """

    template_fields: Sequence[str] = aws_template_fields(
        "job_flow_id", "step_id", "target_states", "failed_states"
    )
    template_ext: Sequence[str] = ()
    operator_extra_links = (EmrClusterLink(), EmrLogsLink())

    def __init__(
        self,
        *,
        job_flow_id: str,
        step_id: str,
        target_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        max_attempts: int = 60,
        deferrable: bool = default_deferrable(),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_flow_id = job_flow_id
        self.step_id = step_id
        self.target_states = target_states or ["COMPLETED"]
        self.failed_states = failed_states or ["CANCELLED", "FAILED", "INTERRUPTED"]
        self.max_attempts = max_attempts
        self.deferrable = deferrable

    def sensor_wait(self) -> Wait:
        return Wait(
            kind="emr_step",
            ids=[self.step_id],
            parent=self.job_flow_id,
            success=states_of("emr_step", self.target_states, "target_states"),
            failure=states_of("emr_step", self.failed_states, "failed_states"),
            delay=self.poke_interval,
        )

    def job_seen(self, context: Context) -> None:
        self._publish_cluster(context, self.job_flow_id)

    def get_emr_response(self, context: Context) -> dict[str, Any]:
        response = self.hook.conn.describe_step(ClusterId=self.job_flow_id, StepId=self.step_id)
        self._publish_cluster(context, self.job_flow_id)
        return response

    @staticmethod
    def state_from_response(response: dict[str, Any]) -> str:
        return response["Step"]["Status"]["State"]

    @staticmethod
    def failure_message_from_response(response: dict[str, Any]) -> str | None:
        details = response["Step"]["Status"].get("FailureDetails")
        if not details:
            return None
        return (
            f"for reason {details.get('Reason')} with message {details.get('Message')} "
            f"and log file {details.get('LogFile')}"
        )
