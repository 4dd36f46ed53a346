"""Operators of Amazon EMR on EC2."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mwaalib._json import literal
from mwaalib.compat import default_deferrable
from mwaalib.exceptions import MwaalibError
from mwaalib.hooks.emr import EmrHook, steps_request
from mwaalib.job import Job, Started, Wait, timeout_of
from mwaalib.links.emr import EmrClusterLink, EmrLogsLink, get_log_uri
from mwaalib.openlineage import inject_into_steps, inject_parent_default
from mwaalib.operators.base_aws import AwsBaseOperator, aws_template_fields
from mwaalib.utils.waiter import WaitPolicy

if TYPE_CHECKING:
    from mwaalib.compat import Context

_UP = ["WAITING", "RUNNING", "TERMINATED"]


class EmrBaseOperator(AwsBaseOperator[EmrHook]):
    """What EMR's operators share: their looks and the links of a cluster."""

    aws_hook_class = EmrHook
    ui_color = "#f9c915"
    operator_extra_links = (EmrClusterLink(), EmrLogsLink())

    def _publish_cluster(self, context: Context, job_flow_id: str) -> None:
        self._publish(EmrClusterLink, context, job_flow_id=job_flow_id)
        if not self.do_xcom_push:
            return
        try:
            log_uri = get_log_uri(emr_client=self.hook.conn, job_flow_id=job_flow_id)
        except MwaalibError as error:
            # The link is worth one call, not the task: the credentials may not allow DescribeCluster.
            self.log.warning("No link to the cluster's logs: %s", error)
            return
        self._publish(EmrLogsLink, context, job_flow_id=job_flow_id, log_uri=log_uri)


class EmrAddStepsOperator(EmrBaseOperator):
    """Adds steps to a running EMR cluster (EMR AddJobFlowSteps).

    A retry takes over the steps that a crashed attempt of the same task added.

    :param job_flow_id: Id of the cluster. (templated)
    :param job_flow_name: Name of the cluster, instead of its id; exactly one cluster in one of
        `cluster_states` must have it. (templated)
    :param cluster_states: States a cluster found by name may be in. (templated)
    :param steps: The steps as boto3 takes them, their text, or the path of a `.json` file. (templated)
    :param wait_for_completion: Whether to wait until all steps have completed.
    :param waiter_delay: Seconds between looks.
    :param waiter_max_attempts: Looks until the wait gives up.
    :param execution_role_arn: Runtime role of the steps. (templated)
    :param deferrable: Whether to wait in the triggerer; implies waiting.
    :param openlineage_inject_parent_job_info: Whether Spark steps name this task as their parent.
    :return: Ids of the steps.
    :raises JobFailedError: when a step failed, with the tail of its stderr.
    """

    template_fields: Sequence[str] = aws_template_fields(
        "job_flow_id", "job_flow_name", "cluster_states", "steps", "execution_role_arn"
    )
    template_ext: Sequence[str] = (".json",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"steps": "json"}

    def __init__(
        self,
        *,
        job_flow_id: str | None = None,
        job_flow_name: str | None = None,
        cluster_states: list[str] | None = None,
        steps: list[dict[str, Any]] | str | None = None,
        wait_for_completion: bool = False,
        waiter_delay: int = 30,
        waiter_max_attempts: int = 60,
        execution_role_arn: str | None = None,
        deferrable: bool = default_deferrable(),
        openlineage_inject_parent_job_info: bool = inject_parent_default(),
        **kwargs: Any,
    ) -> None:
        if (job_flow_id is None) == (job_flow_name is None):
            raise MwaalibError("exactly one of job_flow_id and job_flow_name must be given")
        super().__init__(**kwargs)
        self.job_flow_id = job_flow_id
        self.job_flow_name = job_flow_name
        self.cluster_states = cluster_states or []
        self.steps = steps or []
        self.wait_for_completion = False if deferrable else wait_for_completion
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.execution_role_arn = execution_role_arn
        self.deferrable = deferrable
        self.openlineage_inject_parent_job_info = openlineage_inject_parent_job_info

    def execute(self, context: Context) -> list[str]:
        job_flow_id = self.job_flow_id or self.hook.get_cluster_id_by_name(
            str(self.job_flow_name), self.cluster_states
        )
        if not job_flow_id:
            raise MwaalibError(f"no cluster has the name {self.job_flow_name!r}")
        if self.do_xcom_push:
            context["ti"].xcom_push(key="job_flow_id", value=job_flow_id)
        self._publish_cluster(context, job_flow_id)
        steps = literal(self.steps, "steps")
        if self.openlineage_inject_parent_job_info:
            steps = inject_into_steps(steps, context, self.log)
        job = Job(
            kind="emr_step",
            request=steps_request(job_flow_id, steps, self.execution_role_arn),
            delay=self.waiter_delay,
            timeout=timeout_of(self.waiter_delay, self.waiter_max_attempts),
        )
        return self.run_job(
            context, job, wait=self.wait_for_completion or self.deferrable, deferrable=self.deferrable
        )

    def job_done(self, context: Context, wait: Wait) -> list[str]:
        return wait.ids


class EmrCreateJobFlowOperator(EmrBaseOperator):
    """Starts an EMR cluster (EMR RunJobFlow).

    A retry takes over the cluster that a crashed attempt of the same task started.

    :param emr_conn_id: Airflow connection whose extra is the initial request; `emr_default` may be
        missing, any other id may not. (templated)
    :param job_flow_overrides: Members of RunJobFlow, their text, or the path of a `.json` file.
        Unknown members are refused before anything is sent. (templated)
    :param wait_for_completion: Whether to wait; how far says `wait_policy`.
    :param wait_policy: How far the cluster must get: up, or through its steps and terminated.
    :param waiter_max_attempts: Looks until the wait gives up (60). (templated)
    :param waiter_delay: Seconds between looks (60). (templated)
    :param deferrable: Whether to wait in the triggerer.
    :param terminate_job_flow_on_failure: Whether the cluster is terminated when the wait for it fails.
    :return: Id of the cluster.
    :raises JobFailedError: when the cluster failed, with EMR's reason.
    """

    template_fields: Sequence[str] = aws_template_fields(
        "job_flow_overrides", "waiter_delay", "waiter_max_attempts", "emr_conn_id"
    )
    template_ext: Sequence[str] = (".json",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"job_flow_overrides": "json"}

    def __init__(
        self,
        *,
        emr_conn_id: str | None = "emr_default",
        job_flow_overrides: str | dict[str, Any] | None = None,
        wait_for_completion: bool | None = None,
        wait_policy: WaitPolicy | None = None,
        waiter_max_attempts: int | None = None,
        waiter_delay: int | None = None,
        deferrable: bool = default_deferrable(),
        terminate_job_flow_on_failure: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.emr_conn_id = emr_conn_id
        self.job_flow_overrides = job_flow_overrides or {}
        self.waiter_max_attempts = waiter_max_attempts or 60
        self.waiter_delay = waiter_delay or 60
        self.deferrable = deferrable
        self.terminate_job_flow_on_failure = terminate_job_flow_on_failure
        if wait_policy is not None and wait_for_completion is False:
            warnings.warn(
                "wait_policy is given while wait_for_completion is False: the task waits. "
                "Set wait_for_completion=True.",
                UserWarning,
                stacklevel=2,
            )
        if wait_policy is None and wait_for_completion:
            wait_policy = WaitPolicy.WAIT_FOR_COMPLETION
        self.wait_policy = wait_policy
        self.wait_for_completion = wait_policy is not None

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {**super()._hook_parameters, "emr_conn_id": self.emr_conn_id}

    def execute(self, context: Context) -> str | None:
        overrides = literal(self.job_flow_overrides, "job_flow_overrides")
        self.job_flow_overrides = overrides
        # The policy may be the incumbent's enum, or a text: both compare by value.
        until_steps = self.wait_policy == WaitPolicy.WAIT_FOR_STEPS_COMPLETION.value
        delay, attempts = float(self.waiter_delay), float(self.waiter_max_attempts)
        job = Job(
            kind="emr_job_flow",
            request=self.hook.job_flow_request(overrides),
            delay=delay,
            timeout=timeout_of(delay, attempts),
            success=["TERMINATED"] if until_steps else _UP,
            failure=["TERMINATED_WITH_ERRORS"],
        )
        return self.run_job(context, job, wait=self.wait_for_completion, deferrable=self.deferrable)

    def job_started(self, context: Context, started: Started) -> None:
        self._publish_cluster(context, started.ids[0])

    def job_failed(self, context: Context, wait: Wait, error: MwaalibError) -> None:
        if not self.terminate_job_flow_on_failure:
            return
        self.log.warning("Terminating cluster %s, as the wait for it failed", wait.ids[0])
        try:
            self.hook.conn.terminate_job_flows(JobFlowIds=wait.ids)
        except MwaalibError:
            # The error that led here is the one to report.
            self.log.exception("Cluster %s could not be terminated", wait.ids[0])

    def cancels_on_kill(self) -> bool:
        return True


class EmrModifyClusterOperator(EmrBaseOperator):
    """Changes how many steps a running EMR cluster does at once (EMR ModifyCluster).

    :param cluster_id: Id of the cluster. (templated)
    :param step_concurrency_level: Steps done at once. (templated)
    :return: The steps done at once, as EMR confirms them.
    """

    template_fields: Sequence[str] = aws_template_fields("cluster_id", "step_concurrency_level")
    template_ext: Sequence[str] = ()

    def __init__(self, *, cluster_id: str, step_concurrency_level: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cluster_id = cluster_id
        self.step_concurrency_level = step_concurrency_level

    def execute(self, context: Context) -> int:
        if self.do_xcom_push:
            context["ti"].xcom_push(key="cluster_id", value=self.cluster_id)
        self._publish_cluster(context, self.cluster_id)
        reply = self.hook.conn.modify_cluster(
            ClusterId=self.cluster_id, StepConcurrencyLevel=int(self.step_concurrency_level)
        )
        self.log.info("Cluster %s does %s steps at once", self.cluster_id, reply["StepConcurrencyLevel"])
        return reply["StepConcurrencyLevel"]


class EmrTerminateJobFlowOperator(EmrBaseOperator):
    """Terminates an EMR cluster (EMR TerminateJobFlows).

    :param job_flow_id: Id of the cluster. (templated)
    :param waiter_delay: Seconds between looks.
    :param waiter_max_attempts: Looks until the wait gives up.
    :param deferrable: Whether to wait in the triggerer until it has ended; without, the task ends
        when EMR has taken the order.
    """

    template_fields: Sequence[str] = aws_template_fields("job_flow_id")
    template_ext: Sequence[str] = ()

    def __init__(
        self,
        *,
        job_flow_id: str,
        waiter_delay: int = 60,
        waiter_max_attempts: int = 20,
        deferrable: bool = default_deferrable(),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_flow_id = job_flow_id
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.deferrable = deferrable

    def execute(self, context: Context) -> None:
        self._publish_cluster(context, self.job_flow_id)
        self.hook.conn.terminate_job_flows(JobFlowIds=[self.job_flow_id])
        self.log.info("Terminating cluster %s", self.job_flow_id)
        if self.deferrable:
            wait = Wait(
                kind="emr_job_flow",
                ids=[self.job_flow_id],
                success=["TERMINATED"],
                failure=["TERMINATED_WITH_ERRORS"],
                delay=self.waiter_delay,
            )
            self.wait_job(
                context, wait.within(timeout_of(self.waiter_delay, self.waiter_max_attempts)), deferrable=True
            )

    def job_done(self, context: Context, wait: Wait) -> None:
        return None
