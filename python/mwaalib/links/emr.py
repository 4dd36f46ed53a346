"""Links to Amazon EMR's console pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mwaalib.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink

if TYPE_CHECKING:
    from mwaalib.hooks._client import Client


class EmrClusterLink(BaseAwsLink):
    """Link to a cluster's page."""

    name = "EMR Cluster"
    key = "emr_cluster"
    format_str = BASE_AWS_CONSOLE_LINK + "/emr/home?region={region_name}#/clusterDetails/{job_flow_id}"


class EmrLogsLink(BaseAwsLink):
    """Link to a cluster's logs in S3."""

    name = "EMR Cluster Logs"
    key = "emr_logs"
    format_str = BASE_AWS_CONSOLE_LINK + "/s3/buckets/{log_uri}?region={region_name}&prefix={job_flow_id}/"

    def format_link(self, **kwargs: Any) -> str:
        if not kwargs.get("log_uri"):
            return ""
        return super().format_link(**kwargs)


def get_log_uri(
    *,
    cluster: dict[str, Any] | None = None,
    emr_client: Client | None = None,
    job_flow_id: str | None = None,
) -> str | None:
    """Return bucket and prefix of a cluster's logs, as `bucket/prefix/`, or None when it keeps none.

    :param cluster: Reply of DescribeCluster, when it is at hand.
    :param emr_client: Client to ask with (EMR DescribeCluster) when it is not.
    :param job_flow_id: Id of the cluster to ask for.
    """
    if cluster is None:
        if emr_client is None or not job_flow_id:
            raise ValueError("either cluster, or emr_client and job_flow_id are needed")
        cluster = emr_client.describe_cluster(ClusterId=job_flow_id)
    uri = cluster["Cluster"].get("LogUri")
    if not uri:
        return None
    # EMR answers with s3n:// for what was given as s3://.
    parts = urlsplit(uri)
    return f"{parts.netloc}/{parts.path.lstrip('/')}"
