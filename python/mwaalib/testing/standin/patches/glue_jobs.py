"""Glue jobs: a run's state follows its work.

moto's runs succeed at once unrun, carry no ErrorMessage and constant times, come oldest first;
UpdateJob and BatchStopJobRun are missing, and CreateJob replaces a job of the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.glue.runs import ENDED, LOG_GROUP
from mwaalib.testing.standin.overlay import Request

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

#: JobUpdate members and the attributes of moto's job that hold them.
JOB_MEMBERS = {
    "Description": "description",
    "LogUri": "log_uri",
    "Role": "role",
    "ExecutionProperty": "execution_property",
    "Command": "command",
    "DefaultArguments": "default_arguments",
    "NonOverridableArguments": "non_overridable_arguments",
    "Connections": "connections",
    "MaxRetries": "max_retries",
    "AllocatedCapacity": "allocated_capacity",
    "Timeout": "timeout",
    "MaxCapacity": "max_capacity",
    "WorkerType": "worker_type",
    "NumberOfWorkers": "number_of_workers",
    "SecurityConfiguration": "security_configuration",
    "NotificationProperty": "notification_property",
    "GlueVersion": "glue_version",
    "CodeGenConfigurationNodes": "code_gen_configuration_nodes",
    "ExecutionClass": "execution_class",
    "SourceControlDetails": "source_control_details",
}


def apply(runtime: Runtime) -> None:
    """Let job runs do their work."""
    from moto.glue.models import FakeJob, FakeJobRun, GlueBackend

    create_job = GlueBackend.create_job
    start_job_run = FakeJob.start_job_run
    run_as_dict = FakeJobRun.as_dict
    job_as_dict = FakeJob.as_dict

    def create(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
        if name in self.jobs:
            raise AwsError("AlreadyExistsException", f"Job with name: {name} already exists")
        create_job(self, name, *args, **kwargs)

    def start(self: Any, **kwargs: Any) -> str:
        run_id = start_job_run(self, **kwargs)
        run = next(r for r in self.job_runs if r.job_run_id == run_id)
        arguments = self.default_arguments or {}
        run.log_group = arguments.get("--continuous-log-logGroup") or LOG_GROUP
        run.glue_version = self.glue_version
        runtime.job_runs.begin(self, run)
        return str(run_id)

    def described(self: Any) -> dict[str, Any]:
        run = run_as_dict(self)
        run.update(
            ExecutionTime=getattr(self, "execution_time", 0),
            LogGroupName=getattr(self, "log_group", LOG_GROUP),
            GlueVersion=getattr(self, "glue_version", None),
        )
        if getattr(self, "error_message", None):
            run["ErrorMessage"] = self.error_message
        if self.completed_on is None:
            del run["CompletedOn"]
        return {name: value for name, value in run.items() if value is not None}

    FakeJobRun.status = property(
        lambda self: self._status, lambda self, value: setattr(self, "_status", value)
    )
    FakeJobRun.advance = lambda self: None
    FakeJobRun.as_dict = described
    FakeJob.start_job_run = start
    FakeJob.as_dict = lambda self: {k: v for k, v in job_as_dict(self).items() if v is not None}
    FakeJob.get_job_runs = lambda self: list(reversed(self.job_runs))
    GlueBackend.create_job = create
    runtime.overlay.add("glue", "UpdateJob", _update_job)
    runtime.overlay.add("glue", "BatchStopJobRun", lambda request: _batch_stop(runtime, request))


def backend_of(request: Request) -> Any:
    """Return moto's Glue backend for a request."""
    from moto.glue.models import glue_backends

    return glue_backends[request.account][request.region]


def _update_job(request: Request) -> dict[str, Any]:
    name = request.body.get("JobName", "")
    job = backend_of(request).jobs.get(name)
    if job is None:
        raise AwsError("EntityNotFoundException", f"Job {name} not found.")
    update_job(job, request.body.get("JobUpdate", {}))
    return {"JobName": name}


def update_job(job: Any, update: dict[str, Any]) -> None:
    """Apply a JobUpdate, which replaces the whole definition."""
    from moto.core.utils import utcnow

    for member, attribute in JOB_MEMBERS.items():
        empty: Any = {} if attribute in ("execution_property", "default_arguments") else None
        setattr(job, attribute, update.get(member, empty))
    job.execution_class = job.execution_class or "STANDARD"
    job.last_modified_on = utcnow()


def _batch_stop(runtime: Runtime, request: Request) -> dict[str, Any]:
    name, run_ids = request.body.get("JobName", ""), request.body.get("JobRunIds", [])
    job = backend_of(request).jobs.get(name)
    known = {run.job_run_id: run for run in job.job_runs} if job else {}
    done, errors = [], []
    for run_id in run_ids:
        run, work = known.get(run_id), runtime.job_runs.get(run_id)
        if run is None or work is None:
            code, message = "JobRunNotFoundException", f"Job run {run_id} not found."
        elif run.status in ENDED:
            code, message = "JobRunNotInTerminalStateException", f"Job run is already in state {run.status}."
        else:
            work.stop()
            done.append({"JobName": name, "JobRunId": run_id})
            continue
        detail = {"ErrorCode": code, "ErrorMessage": message}
        errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
    return {"SuccessfulSubmissions": done, "Errors": errors}
