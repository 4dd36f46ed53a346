"""Hook of AWS Glue's jobs."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mwaalib.compat import provider_deprecation_warning
from mwaalib.exceptions import AwsNotFoundError, JobFailedError, MwaalibError
from mwaalib.hooks.base_aws import AwsBaseHook
from mwaalib.hooks.glue_crawler import update_tags
from mwaalib.job import Wait, log_event

if TYPE_CHECKING:
    from mwaalib.hooks._client import Client


class GlueJobHook(AwsBaseHook):
    """Talks to AWS Glue about jobs and their runs.

    :param s3_bucket: Bucket where the job's logs go.
    :param job_name: Name of the job.
    :param desc: Description of the job.
    :param concurrent_run_limit: Runs of the job that may go on at once.
    :param script_location: Address of the script in S3.
    :param retry_limit: How often Glue itself repeats a failed run.
    :param num_of_dpus: Capacity in DPUs (10 unless `create_job_kwargs` names workers).
    :param iam_role_name: Name of the job's role; not together with `iam_role_arn`.
    :param iam_role_arn: ARN of the job's role.
    :param create_job_kwargs: Further members of CreateJob.
    :param update_config: Whether an existing job is brought to this configuration.
    :param job_poll_interval: Seconds between looks.
    :param api_retry_args: Not used: the native core retries on its own.
    :param args: See `AwsBaseHook`.
    :param kwargs: See `AwsBaseHook`.
    """

    class LogContinuationTokens:
        """Where the reading of a run's two log streams has come to."""

        def __init__(self) -> None:
            self.output_stream_continuation: str | None = None
            self.error_stream_continuation: str | None = None

    def __init__(
        self,
        s3_bucket: str | None = None,
        job_name: str | None = None,
        desc: str | None = None,
        concurrent_run_limit: int = 1,
        script_location: str | None = None,
        retry_limit: int = 0,
        num_of_dpus: int | float | None = None,
        iam_role_name: str | None = None,
        iam_role_arn: str | None = None,
        create_job_kwargs: dict[str, Any] | None = None,
        update_config: bool = False,
        job_poll_interval: int | float = 6,
        api_retry_args: dict[Any, Any] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self.job_name = job_name
        self.desc = desc
        self.concurrent_run_limit = concurrent_run_limit
        self.script_location = script_location
        self.retry_limit = retry_limit
        self.s3_bucket = s3_bucket
        self.role_name = iam_role_name
        self.role_arn = iam_role_arn
        self.s3_glue_logs = "logs/glue-logs/"
        self.create_job_kwargs = create_job_kwargs or {}
        self.update_config = update_config
        self.job_poll_interval = job_poll_interval
        self.num_of_dpus: int | float | None = self._capacity(num_of_dpus)
        if self.role_arn and self.role_name:
            raise ValueError("iam_role_arn and iam_role_name must not both be given")
        kwargs["client_type"] = "glue"
        super().__init__(*args, **kwargs)

    def _capacity(self, num_of_dpus: int | float | None) -> int | float | None:
        workers = {"WorkerType", "NumberOfWorkers"} & set(self.create_job_kwargs)
        if len(workers) == 1:
            other = "NumberOfWorkers" if "WorkerType" in workers else "WorkerType"
            raise ValueError(f"create_job_kwargs: {workers.pop()} needs {other} beside it")
        if workers and num_of_dpus is not None:
            raise ValueError("num_of_dpus must not be given together with WorkerType and NumberOfWorkers")
        if workers:
            return None
        return 10 if num_of_dpus is None else num_of_dpus

    def create_glue_job_config(self) -> dict[str, Any]:
        """Return the CreateJob request of this hook's parameters."""
        further = dict(self.create_job_kwargs)
        command = further.pop("Command", {"Name": "glueetl", "ScriptLocation": self.script_location})
        config: dict[str, Any] = {
            "Name": self.job_name,
            "Description": self.desc,
            # Glue takes the role's ARN; a name is looked up, as a role may have a path.
            "Role": self.role_arn or self.get_iam_execution_role()["Role"]["Arn"],
            "ExecutionProperty": {"MaxConcurrentRuns": self.concurrent_run_limit},
            "Command": command,
            "MaxRetries": self.retry_limit,
            **further,
        }
        if self.num_of_dpus is not None:
            config["MaxCapacity"] = self.num_of_dpus
        if self.s3_bucket is not None:
            config["LogUri"] = f"s3://{self.s3_bucket}/{self.s3_glue_logs}{self.job_name}"
        return config

    def get_iam_execution_role(self) -> dict[str, Any]:
        """Return the job's role by its name (IAM GetRole)."""
        if not self.role_name:
            raise ValueError(f"Glue job {self.job_name!r} needs iam_role_arn or iam_role_name to be created")
        return self.client("iam").call("GetRole", {"RoleName": self.role_name})

    def describe_jobs(self) -> dict[str, Any]:
        """Return the first page of the account's jobs (GetJobs)."""
        return self.conn.call("GetJobs", {})

    def list_jobs(self) -> dict[str, Any]:
        """Return the first page of the account's jobs; deprecated, use `describe_jobs`."""
        warnings.warn(
            "list_jobs is deprecated, use describe_jobs", provider_deprecation_warning(), stacklevel=2
        )
        return self.describe_jobs()

    def prepare_job(self) -> str:
        """Create the job if it does not exist, or update it where that is wanted.

        :return: Name of the job.
        """
        return self.create_or_update_glue_job() if self.update_config else self.get_or_create_glue_job()

    def initialize_job(
        self, script_arguments: dict[str, Any] | None = None, run_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create or update the job, then start a run of it (StartJobRun).

        :param script_arguments: Arguments of the script.
        :param run_kwargs: Further members of StartJobRun.
        :return: The reply, with `JobRunId`.
        """
        return self.conn.call("StartJobRun", run_request(self.prepare_job(), script_arguments, run_kwargs))

    def get_job_state(self, job_name: str, run_id: str) -> str:
        """Return the state of a run (GetJobRun).

        :param job_name: Name of the job.
        :param run_id: Id of the run.
        """
        request = {"JobName": job_name, "RunId": run_id, "PredecessorsIncluded": True}
        return self.conn.call("GetJobRun", request)["JobRun"]["JobRunState"]

    async def async_get_job_state(self, job_name: str, run_id: str) -> str:
        """Return the state of a run without blocking the event loop. See `get_job_state`."""
        return await asyncio.to_thread(self.get_job_state, job_name, run_id)

    @cached_property
    def logs_client(self) -> Client:
        """A client of CloudWatch Logs with this hook's session."""
        return self.client("logs")

    def print_job_logs(self, job_name: str, run_id: str, continuation_tokens: LogContinuationTokens) -> None:
        """Log what a run has written since the last look (CloudWatch FilterLogEvents).

        :param job_name: Name of the job.
        :param run_id: Id of the run.
        :param continuation_tokens: Where the reading has come to; moved on.
        """
        run = self.conn.call("GetJobRun", {"JobName": job_name, "RunId": run_id})["JobRun"]
        since = int(run["StartedOn"].timestamp() * 1000) if run.get("StartedOn") else 0
        prefix = run.get("LogGroupName", "/aws-glue/jobs")
        for suffix in ("output", "error"):
            field = f"{suffix}_stream_continuation"
            token = self._print_stream(
                f"{prefix}/{suffix}", run_id, since, getattr(continuation_tokens, field)
            )
            setattr(continuation_tokens, field, token)

    def _print_stream(self, group: str, run_id: str, since: int, token: str | None) -> str | None:
        request: dict[str, Any] = {"logGroupName": group, "logStreamNames": [run_id], "startTime": since}
        lines: list[str] = []
        while True:
            if token:
                request["nextToken"] = token
            try:
                page = self.logs_client.call("FilterLogEvents", request)
            except AwsNotFoundError:
                self.log.info("No log yet in %s", group)
                return token
            lines += [event["message"].rstrip() for event in page.get("events", [])]
            if not page.get("nextToken"):
                break
            token = page["nextToken"]
        if lines:
            self.log.info("Glue job run %s logs:\n\t%s", group, "\n\t".join(lines))
        return token

    def job_completion(
        self, job_name: str, run_id: str, verbose: bool = False, sleep_before_return: int = 0
    ) -> dict[str, str]:
        """Wait until a run has ended.

        :param job_name: Name of the job.
        :param run_id: Id of the run.
        :param verbose: Whether the run's own log goes to the log.
        :param sleep_before_return: Seconds to wait after the end, for Glue to free its resources.
        :return: `JobRunState` (`SUCCEEDED` or `STOPPED`) and `JobRunId`.
        :raises JobFailedError: when the run failed, with its error message and log tail.
        """
        try:
            state = self._completion(job_name, run_id, verbose).block(self.session, self.log)[0]["state"]
        except JobFailedError as error:
            state = _stopped(error)
        time.sleep(sleep_before_return)
        return {"JobRunState": state, "JobRunId": run_id}

    async def async_job_completion(self, job_name: str, run_id: str, verbose: bool = False) -> dict[str, str]:
        """Wait until a run has ended, without blocking the event loop. See `job_completion`."""
        session = await asyncio.to_thread(lambda: self.session)
        wait = self._completion(job_name, run_id, verbose)
        try:
            reply = await session.wait_async(wait.to_json(), lambda event: log_event(self.log, event))
            state = json.loads(reply)["results"][0]["state"]
        except JobFailedError as error:
            state = _stopped(error)
        return {"JobRunState": state, "JobRunId": run_id}

    def _completion(self, job_name: str, run_id: str, verbose: bool) -> Wait:
        return Wait(
            kind="glue_job_run", ids=[run_id], parent=job_name, delay=self.job_poll_interval, verbose=verbose
        )

    def has_job(self, job_name: str) -> bool:
        """Return whether a job exists (GetJob).

        :param job_name: Name of the job.
        """
        try:
            self.conn.call("GetJob", {"JobName": job_name})
        except AwsNotFoundError:
            return False
        return True

    def update_job(self, **job_kwargs: Any) -> bool:
        """Bring a job and its tags to the wanted configuration (UpdateJob, TagResource, UntagResource).

        :param job_kwargs: Members of CreateJob.
        :return: Whether anything differed.
        """
        name = job_kwargs.pop("Name")
        # UpdateJob does not take tags.
        tags = job_kwargs.pop("Tags", None)
        tagged = self.update_tags(name, tags) if tags is not None else False
        current = self.conn.call("GetJob", {"JobName": name})["Job"]
        changed = [key for key, value in job_kwargs.items() if current.get(key) != value]
        if not changed:
            return tagged
        self.log.info("Updating job %s: %s", name, ", ".join(changed))
        self.conn.call("UpdateJob", {"JobName": name, "JobUpdate": job_kwargs})
        return True

    def update_tags(self, job_name: str, job_tags: dict[str, str]) -> bool:
        """Bring the tags of a job to the wanted set (GetTags, TagResource, UntagResource).

        :param job_name: Name of the job.
        :param job_tags: The wanted tags; those missing here are removed.
        :return: Whether anything differed.
        """
        return update_tags(self, f"job/{job_name}", job_tags)

    def get_or_create_glue_job(self) -> str:
        """Create the job unless it exists (GetJob, CreateJob).

        :return: Name of the job.
        """
        name = self._name()
        if not self.has_job(name):
            self._create()
        return name

    def create_or_update_glue_job(self) -> str:
        """Create the job, or bring it to this hook's configuration (GetJob, CreateJob, UpdateJob).

        :return: Name of the job.
        """
        name = self._name()
        if self.has_job(name):
            self.update_job(**self.create_glue_job_config())
        else:
            self._create()
        return name

    def _create(self) -> None:
        self.log.info("Creating job %s", self.job_name)
        self.conn.call("CreateJob", self.create_glue_job_config())

    def _name(self) -> str:
        if self.job_name is None:
            raise ValueError("job_name must be given to create or update a Glue job")
        return self.job_name


def run_request(
    job_name: str, arguments: dict[str, Any] | None, run_kwargs: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the StartJobRun request.

    :param job_name: Name of the job.
    :param arguments: Arguments of the script.
    :param run_kwargs: Further members of the request.
    :raises MwaalibError: when they would replace the job's name or the script's arguments.
    """
    further = run_kwargs or {}
    if further.get("JobName") not in (None, job_name):
        raise MwaalibError(f"run_job_kwargs: JobName is given by job_name ({job_name!r}), leave it out")
    if arguments and further.get("Arguments"):
        raise MwaalibError("run_job_kwargs: Arguments would replace script_args, give them there")
    return {"Arguments": arguments or {}, **further, "JobName": job_name}


def _stopped(error: JobFailedError) -> str:
    """Return the state of a run that somebody stopped: to the hook's caller that is an end like another."""
    if error.state != "STOPPED":
        raise error
    return error.state
