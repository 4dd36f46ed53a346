//! Glue.

pub(crate) mod probe;

use crate::Session;
use crate::service::operations;

operations!("glue", client => {
    "CreateJob" => create_job,
    "UpdateJob" => update_job,
    "GetJob" => get_job,
    "GetJobs" => get_jobs,
    "StartJobRun" => start_job_run,
    "GetJobRun" => get_job_run,
    "GetJobRuns" => get_job_runs,
    "BatchStopJobRun" => batch_stop_job_run,
    "CreateCrawler" => create_crawler,
    "UpdateCrawler" => update_crawler,
    "GetCrawler" => get_crawler,
    "GetCrawlers" => get_crawlers,
    "BatchGetCrawlers" => batch_get_crawlers,
    "GetCrawlerMetrics" => get_crawler_metrics,
    "StartCrawler" => start_crawler,
    "StopCrawler" => stop_crawler,
    "DeleteCrawler" => delete_crawler,
    "ListCrawls" => list_crawls,
    "TagResource" => tag_resource,
    "UntagResource" => untag_resource,
    "GetTags" => get_tags,
});

fn client(session: &Session, once: bool) -> &aws_sdk_glue::Client {
    if once { session.glue() } else { session.retrying().glue() }
}
