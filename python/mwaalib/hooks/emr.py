"""Hook of Amazon EMR on EC2."""

from __future__ import annotations

import re
from typing import Any

from mwaalib._json import literal
from mwaalib.compat import AirflowNotFoundException
from mwaalib.exceptions import ConnectionNotFoundError, ConnectionSettingsError, MwaalibError
from mwaalib.hooks.base_aws import AwsBaseHook


class EmrHook(AwsBaseHook):
    """Talks to Amazon EMR.

    :param emr_conn_id: Airflow connection whose extra is the initial RunJobFlow request of
        `create_job_flow`; `emr_default` may be missing, any other id may not.
    :param args: See `AwsBaseHook`.
    :param kwargs: See `AwsBaseHook`.
    """

    conn_name_attr = "emr_conn_id"
    default_conn_name = "emr_default"
    conn_type = "emr"
    hook_name = "Amazon Elastic MapReduce"

    def __init__(self, emr_conn_id: str | None = default_conn_name, *args: Any, **kwargs: Any) -> None:
        self.emr_conn_id = emr_conn_id
        kwargs["client_type"] = "emr"
        super().__init__(*args, **kwargs)

    def get_cluster_id_by_name(self, emr_cluster_name: str, cluster_states: list[str]) -> str | None:
        """Return the id of the one cluster with a name (EMR ListClusters).

        :param emr_cluster_name: Name of the cluster.
        :param cluster_states: States the cluster may be in; empty means any.
        :return: Its id, or None when there is none.
        :raises MwaalibError: when several clusters have the name.
        """
        request = {"ClusterStates": list(cluster_states)} if cluster_states else {}
        # Behind the name stands the key of its start where EMR refused the tag that carries it.
        name = re.compile(re.escape(emr_cluster_name) + r"( \[[\w-]*-[0-9a-f]{32}\])?")
        found = [
            cluster["Id"]
            for page in self.conn.get_paginator("list_clusters").paginate(**request)
            for cluster in page.get("Clusters", [])
            if name.fullmatch(cluster["Name"])
        ]
        if len(found) > 1:
            raise MwaalibError(f"more than one cluster has the name {emr_cluster_name!r}: {', '.join(found)}")
        if not found:
            self.log.info("No cluster has the name %r", emr_cluster_name)
            return None
        self.log.info("Cluster %r has the id %s", emr_cluster_name, found[0])
        return found[0]

    def job_flow_request(self, job_flow_overrides: dict[str, Any]) -> dict[str, Any]:
        """Return the RunJobFlow request: the extra of the EMR connection, overridden.

        :param job_flow_overrides: Members of RunJobFlow that replace those of the connection.
        """
        return {**self._initial_request(), **job_flow_overrides}

    def create_job_flow(self, job_flow_overrides: dict[str, Any]) -> dict[str, Any]:
        """Start a cluster (EMR RunJobFlow).

        :param job_flow_overrides: Members of RunJobFlow that replace those of the connection.
        :return: The reply, with `JobFlowId`.
        """
        return self.conn.call("RunJobFlow", self.job_flow_request(job_flow_overrides))

    def add_job_flow_steps(
        self,
        job_flow_id: str,
        steps: list[dict[str, Any]] | str | None = None,
        wait_for_completion: bool = False,
        waiter_delay: int | None = None,
        waiter_max_attempts: int | None = None,
        execution_role_arn: str | None = None,
    ) -> list[str]:
        """Add steps to a running cluster (EMR AddJobFlowSteps).

        :param job_flow_id: Id of the cluster.
        :param steps: The steps, as list or as its text.
        :param wait_for_completion: Whether to wait until all have completed.
        :param waiter_delay: Seconds between looks (30).
        :param waiter_max_attempts: Looks until the wait gives up (60).
        :param execution_role_arn: Runtime role of the steps.
        :return: Ids of the steps.
        :raises JobFailedError: when a step failed that was waited for.
        """
        reply = self.conn.call("AddJobFlowSteps", steps_request(job_flow_id, steps, execution_role_arn))
        ids = list(reply["StepIds"])
        self.log.info("Steps %s added to %s", ", ".join(ids), job_flow_id)
        if wait_for_completion:
            delay = waiter_delay or 30
            timeout = delay * (waiter_max_attempts or 60)
            self.wait("emr_step", ids, parent=job_flow_id, delay=delay, timeout=timeout)
        return ids

    def test_connection(self) -> tuple[bool, str]:
        """Refuse: this connection holds a request, there is nothing to connect to."""
        return False, f"{self.hook_name!r} connections hold only a RunJobFlow request and cannot be tested."

    def _initial_request(self) -> dict[str, Any]:
        if not self.emr_conn_id:
            return {}
        try:
            found = self.get_connection(self.emr_conn_id)
        except AirflowNotFoundException as error:
            if self.emr_conn_id == self.default_conn_name:
                self.log.info(
                    "Connection %r does not exist: starting from an empty request", self.emr_conn_id
                )
                return {}
            raise ConnectionNotFoundError(
                f"connection {self.emr_conn_id!r} (emr_conn_id) does not exist; "
                "set emr_conn_id=None to start from an empty request"
            ) from error
        if found.conn_type and found.conn_type != self.conn_type:
            self.log.warning(
                "Connection %r: expected connection type %r, got %r",
                self.emr_conn_id, self.conn_type, found.conn_type,
            )  # fmt: skip
        extra = found.extra_dejson
        if not isinstance(extra, dict):
            raise ConnectionSettingsError(
                f"connection {self.emr_conn_id!r}: extra: expected a JSON object, got {type(extra).__name__}"
            )
        return dict(extra)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the connection form looks."""
        return {
            "hidden_fields": ["host", "schema", "port", "login", "password"],
            "relabeling": {"extra": "Run Job Flow Configuration"},
            "placeholders": {"extra": '{"Name": "MyCluster", "ReleaseLabel": "emr-7.9.0"}'},
        }


def steps_request(
    job_flow_id: str, steps: list[dict[str, Any]] | str | None, execution_role_arn: str | None = None
) -> dict[str, Any]:
    """Return the AddJobFlowSteps request.

    :param job_flow_id: Id of the cluster.
    :param steps: The steps, as list or as its text (a template or an XCom turns them into text).
    :param execution_role_arn: Runtime role of the steps.
    """
    request = {"JobFlowId": job_flow_id, "Steps": literal(steps, "steps") or []}
    if execution_role_arn:
        request["ExecutionRoleArn"] = execution_role_arn
    return request
