"""Links to AWS Glue's console pages."""

from __future__ import annotations

from mwaalib.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink


class GlueJobRunDetailsLink(BaseAwsLink):
    """Link to a job run's page."""

    name = "AWS Glue Job Run Details"
    key = "glue_job_run_details"
    format_str = (
        BASE_AWS_CONSOLE_LINK + "/gluestudio/home?region={region_name}#/job/{job_name}/run/{job_run_id}"
    )
