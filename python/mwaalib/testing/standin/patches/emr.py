"""EMR: clusters and steps move through their states because their work does.

moto makes a cluster WAITING at once, leaves its steps where they are, does not serialise
FailureDetails, answers 500 to an unknown cluster, and has neither CancelSteps nor auto-termination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.overlay import Request

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Give moto's clusters and steps a life of their own."""
    from moto.emr.models import Cluster, ElasticMapReduceBackend, Step
    from moto.emr.responses import ElasticMapReduceResponse

    clusters = runtime.clusters
    run_job_flow = ElasticMapReduceBackend.run_job_flow
    terminate_job_flows = ElasticMapReduceBackend.terminate_job_flows
    describe_step = ElasticMapReduceBackend.describe_step

    def start(self: Any, **kwargs: Any) -> Any:
        cluster = run_job_flow(self, **kwargs)
        clusters.begin(cluster)
        return cluster

    def add_steps(self: Any, steps: list[dict[str, Any]]) -> list[Any]:
        added = [Step(state="PENDING", **step) for step in steps]
        self.steps.extend(added)
        return added

    def add_job_flow_steps(self: Any, job_flow_id: str, steps: list[dict[str, Any]]) -> list[Any]:
        run = clusters.get(_known(self, job_flow_id))
        added: list[Any] = self.clusters[job_flow_id].add_steps(steps)
        run.add_steps(added)
        return added

    def terminate(self: Any, job_flow_ids: list[str]) -> Any:
        for job_flow_id in job_flow_ids:
            _known(self, job_flow_id)
        return terminate_job_flows(self, job_flow_ids)

    def one_step(self: Any, cluster_id: str, step_id: str) -> Any:
        step = describe_step(self, _known(self, cluster_id), step_id)
        if step is None:
            raise AwsError("InvalidRequestException", f"Step id '{step_id}' is not valid.")
        return step

    Cluster.run_bootstrap_actions = lambda self: None
    Cluster.terminate = lambda self: clusters.get(self.id).terminate(
        "USER_REQUEST", "Terminated by user request"
    )
    Cluster.add_steps = add_steps
    Cluster.status = property(_cluster_status)
    Step.status = property(_step_status)
    Step.start = lambda self: None
    ElasticMapReduceBackend.run_job_flow = start
    ElasticMapReduceBackend.add_job_flow_steps = add_job_flow_steps
    ElasticMapReduceBackend.terminate_job_flows = terminate
    ElasticMapReduceBackend.describe_step = one_step
    for name in (
        "list_steps",
        "list_instance_groups",
        "list_instances",
        "list_bootstrap_actions",
        "modify_cluster",
    ):
        _check_cluster(ElasticMapReduceBackend, name)
    respond = ElasticMapReduceResponse.run_job_flow

    def run_with_policy(self: Any) -> Any:
        answer = respond(self)
        policy = self._get_param("AutoTerminationPolicy.IdleTimeout")
        if policy is not None:
            self.backend.clusters[answer.result["JobFlowId"]].auto_termination = {"IdleTimeout": int(policy)}
        return answer

    ElasticMapReduceResponse.run_job_flow = run_with_policy
    runtime.overlay.add("emr", "PutAutoTerminationPolicy", _put_auto_termination)
    runtime.overlay.add("emr", "GetAutoTerminationPolicy", _get_auto_termination)
    runtime.overlay.add("emr", "RemoveAutoTerminationPolicy", _put_auto_termination)
    runtime.overlay.add("emr", "CancelSteps", lambda request: _cancel_steps(runtime, request))


def _known(backend: Any, cluster_id: str) -> str:
    if cluster_id not in backend.clusters:
        raise AwsError("InvalidRequestException", f"Cluster id '{cluster_id}' is not valid.")
    return cluster_id


def _check_cluster(backend_class: Any, name: str) -> None:
    original = getattr(backend_class, name)

    def checked(self: Any, cluster_id: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, _known(self, cluster_id), *args, **kwargs)

    setattr(backend_class, name, checked)


def _cluster_status(self: Any) -> dict[str, Any]:
    reason = {"Message": getattr(self, "last_state_change_reason", None)}
    if getattr(self, "change_code", None):
        reason["Code"] = self.change_code
    return {
        "State": self.state,
        "StateChangeReason": reason,
        "Timeline": {
            "CreationDateTime": self.creation_datetime,
            "ReadyDateTime": self.ready_datetime,
            "EndDateTime": self.end_datetime,
        },
    }


def _step_status(self: Any) -> dict[str, Any]:
    status: dict[str, Any] = {
        "State": self.state,
        "StateChangeReason": {"Message": getattr(self, "last_state_change_reason", None)},
        "Timeline": {
            "CreationDateTime": self.creation_date_time,
            "StartDateTime": self.start_date_time,
            "EndDateTime": self.end_date_time,
        },
    }
    if getattr(self, "failure_details", None):
        status["FailureDetails"] = self.failure_details
    return status


def _cluster(request: Request) -> Any:
    from moto.emr.models import emr_backends

    backend = emr_backends[request.account][request.region]
    return backend.clusters[_known(backend, request.body.get("ClusterId", ""))]


def _put_auto_termination(request: Request) -> dict[str, Any]:
    _cluster(request).auto_termination = request.body.get("AutoTerminationPolicy")
    return {}


def _get_auto_termination(request: Request) -> dict[str, Any]:
    policy = getattr(_cluster(request), "auto_termination", None)
    return {"AutoTerminationPolicy": policy} if policy else {}


def _cancel_steps(runtime: Runtime, request: Request) -> dict[str, Any]:
    body = request.body
    terminate = body.get("StepCancellationOption", "SEND_INTERRUPT") == "TERMINATE_PROCESS"
    run = runtime.clusters.get(body.get("ClusterId", ""))
    return {"CancelStepsInfoList": run.cancel(body.get("StepIds", []), terminate)}
