"""Operator of AWS Glue's jobs."""

from __future__ import annotations

import os
import time
import urllib.parse
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mwaalib.compat import default_deferrable, provider_deprecation_warning
from mwaalib.exceptions import AwsError, MwaalibError
from mwaalib.hooks.glue import GlueJobHook, run_request
from mwaalib.job import Job, Started, Wait, timeout_of
from mwaalib.links.glue import GlueJobRunDetailsLink
from mwaalib.openlineage import inject_into_glue_arguments, inject_parent_default, inject_transport_default
from mwaalib.operators.base_aws import AwsBaseOperator, aws_template_fields

if TYPE_CHECKING:
    from mwaalib.compat import Context

_S3 = "s3://"


class GlueJobOperator(AwsBaseOperator[GlueJobHook]):
    """Creates or updates a Glue job where needed, and runs it (Glue CreateJob, UpdateJob, StartJobRun).

    A retry takes over the run that a crashed attempt of the same task started.

    :param job_name: Name of the job. (templated)
    :param job_desc: Description of the job.
    :param script_location: Address of the script in S3, or a local path, which is uploaded to
        `s3_bucket`. (templated)
    :param concurrent_run_limit: Runs of the job that may go on at once (1).
    :param script_args: Arguments of the script and of Glue. (templated)
    :param retry_limit: How often Glue itself repeats a failed run.
    :param num_of_dpus: Capacity in DPUs.
    :param s3_bucket: Bucket for the logs and an uploaded script. (templated)
    :param iam_role_name: Name of the job's role; not together with `iam_role_arn`. (templated)
    :param iam_role_arn: ARN of the job's role. (templated)
    :param create_job_kwargs: Further members of CreateJob. (templated)
    :param run_job_kwargs: Further members of StartJobRun. (templated)
    :param wait_for_completion: Whether to wait until the run has ended.
    :param deferrable: Whether to wait in the triggerer; implies waiting.
    :param verbose: Whether the run's own log goes to the task's log.
    :param replace_script_file: Whether an uploaded script replaces one of that name.
    :param update_config: Whether an existing job is brought to this configuration.
    :param stop_job_run_on_kill: Whether the run is stopped when the task is killed.
    :param sleep_before_return: Seconds to wait after the end, for Glue to free its resources.
    :param job_poll_interval: Seconds between looks when waiting in the worker.
    :param waiter_delay: Seconds between looks when waiting in the triggerer.
    :param waiter_max_attempts: Looks until a deferred wait gives up.
    :param resume_glue_job_on_retry: Deprecated name of `durable`.
    :param durable: Whether a retry takes over the run of a crashed attempt (yes).
    :param openlineage_inject_parent_job_info: Whether the job names this task as its parent.
    :param openlineage_inject_transport_info: Whether the job is told where events go.
    :return: Id of the run.
    :raises JobFailedError: when the run failed, with its error message and log tail.
    """

    aws_hook_class = GlueJobHook
    template_fields: Sequence[str] = aws_template_fields(
        "job_name",
        "script_location",
        "script_args",
        "create_job_kwargs",
        "run_job_kwargs",
        "s3_bucket",
        "iam_role_name",
        "iam_role_arn",
    )
    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "script_args": "json",
        "create_job_kwargs": "json",
        "run_job_kwargs": "json",
    }
    ui_color = "#ededed"
    operator_extra_links = (GlueJobRunDetailsLink(),)

    def __init__(
        self,
        *,
        job_name: str = "aws_glue_default_job",
        job_desc: str = "AWS Glue Job with Airflow",
        script_location: str | None = None,
        concurrent_run_limit: int | None = None,
        script_args: dict[str, Any] | None = None,
        retry_limit: int = 0,
        num_of_dpus: int | float | None = None,
        s3_bucket: str | None = None,
        iam_role_name: str | None = None,
        iam_role_arn: str | None = None,
        create_job_kwargs: dict[str, Any] | None = None,
        run_job_kwargs: dict[str, Any] | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = default_deferrable(),
        verbose: bool = False,
        replace_script_file: bool = False,
        update_config: bool = False,
        stop_job_run_on_kill: bool = False,
        sleep_before_return: int = 0,
        job_poll_interval: int | float = 6,
        waiter_delay: int = 60,
        waiter_max_attempts: int = 75,
        resume_glue_job_on_retry: bool | None = None,
        durable: bool | None = None,
        openlineage_inject_parent_job_info: bool = inject_parent_default(),
        openlineage_inject_transport_info: bool = inject_transport_default(),
        **kwargs: Any,
    ) -> None:
        if resume_glue_job_on_retry is not None:
            warnings.warn(
                "resume_glue_job_on_retry is deprecated, use durable instead",
                provider_deprecation_warning(),
                stacklevel=2,
            )
            durable = resume_glue_job_on_retry if durable is None else durable
        super().__init__(**kwargs)
        self.durable = True if durable is None else durable
        self.job_name = job_name
        self.job_desc = job_desc
        self.script_location = script_location
        self.concurrent_run_limit = concurrent_run_limit or 1
        self.script_args = script_args or {}
        self.retry_limit = retry_limit
        self.num_of_dpus = num_of_dpus
        self.s3_bucket = s3_bucket
        self.iam_role_name = iam_role_name
        self.iam_role_arn = iam_role_arn
        self.s3_protocol = _S3
        self.s3_artifacts_prefix = "artifacts/glue-scripts/"
        self.create_job_kwargs = create_job_kwargs
        self.run_job_kwargs = run_job_kwargs or {}
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.verbose = verbose
        self.replace_script_file = replace_script_file
        self.update_config = update_config
        self.stop_job_run_on_kill = stop_job_run_on_kill
        self.sleep_before_return = sleep_before_return
        self.job_poll_interval = job_poll_interval
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.openlineage_inject_parent_job_info = openlineage_inject_parent_job_info
        self.openlineage_inject_transport_info = openlineage_inject_transport_info
        self.s3_script_location: str | None = None

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {
            **super()._hook_parameters,
            "job_name": self.job_name,
            "desc": self.job_desc,
            "concurrent_run_limit": self.concurrent_run_limit,
            "script_location": self._script_address(),
            "retry_limit": self.retry_limit,
            "num_of_dpus": self.num_of_dpus,
            "s3_bucket": self.s3_bucket,
            "iam_role_name": self.iam_role_name,
            "iam_role_arn": self.iam_role_arn,
            "create_job_kwargs": self.create_job_kwargs,
            "update_config": self.update_config,
            "job_poll_interval": self.job_poll_interval,
        }

    def execute(self, context: Context) -> str:
        if self.script_location and not self.script_location.startswith(_S3):
            self.upload_etl_script_to_s3()
        name = self.hook.prepare_job()
        arguments = inject_into_glue_arguments(
            dict(self.script_args),
            context,
            self.log,
            parent=self.openlineage_inject_parent_job_info,
            transport=self.openlineage_inject_transport_info,
        )
        job = Job(
            kind="glue_job_run",
            request=run_request(name, arguments, self.run_job_kwargs),
            reuse=None if self.durable else False,
            delay=self.waiter_delay if self.deferrable else self.job_poll_interval,
            timeout=timeout_of(self.waiter_delay, self.waiter_max_attempts) if self.deferrable else None,
            verbose=self.verbose,
        )
        return self.run_job(
            context, job, wait=self.wait_for_completion or self.deferrable, deferrable=self.deferrable
        )

    def upload_etl_script_to_s3(self) -> None:
        """Upload the local script to the bucket (S3 PutObject); one that lies there already is as good.

        :raises MwaalibError: without a bucket, or when the script is there and must not be replaced.
        """
        if not self.s3_bucket:
            raise MwaalibError(f"s3_bucket is needed to upload the local script {self.script_location}")
        path = str(self.script_location)
        if not os.path.isfile(path):
            raise MwaalibError(f"script_location {path!r} is neither an s3:// address nor a local file")
        key = self._script_key()
        try:
            self.hook.session.put_file(path, self.s3_bucket, key, replace=self.replace_script_file)
        except AwsError as error:
            if error.code != "PreconditionFailed":
                raise
            raise MwaalibError(
                f"s3://{self.s3_bucket}/{key} exists already with other content; "
                "set replace_script_file=True to replace it"
            ) from error
        self.s3_script_location = self._script_address()
        self.log.info("%s is at %s", path, self.s3_script_location)

    def _script_key(self) -> str:
        return self.s3_artifacts_prefix + os.path.basename(str(self.script_location))

    def _script_address(self) -> str | None:
        if not self.script_location or self.script_location.startswith(_S3):
            return self.script_location
        return f"{_S3}{self.s3_bucket}/{self._script_key()}"

    def job_started(self, context: Context, started: Started) -> None:
        name = urllib.parse.quote(self.job_name, safe="")
        run_id = started.ids[0]
        context["ti"].xcom_push(key="glue_job_run_id", value=run_id)
        self._publish(GlueJobRunDetailsLink, context, job_name=name, job_run_id=run_id)
        address = GlueJobRunDetailsLink().format_link(
            aws_domain=GlueJobRunDetailsLink.get_aws_domain(self.hook.conn_partition),
            region_name=self.hook.conn_region_name,
            job_name=name,
            job_run_id=run_id,
        )
        self.log.info("You can monitor this Glue job run at: %s", address)

    def job_done(self, context: Context, wait: Wait) -> str:
        if self.sleep_before_return and (self.wait_for_completion or self.deferrable):
            time.sleep(self.sleep_before_return)
        return wait.ids[0]

    def cancels_on_kill(self) -> bool:
        return self.stop_job_run_on_kill
