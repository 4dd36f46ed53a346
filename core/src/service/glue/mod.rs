//! Glue.

pub(crate) mod cancel;
pub(crate) mod crawler;
pub(crate) mod diagnose;
pub mod logs;
pub(crate) mod probe;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::service::operations;

operations!("glue", client, "AWSGlue" by tag_resource: [
    "CreateJob",
    "UpdateJob",
    "GetJob",
    "GetJobs",
    "StartJobRun",
    "GetJobRun",
    "GetJobRuns",
    "BatchStopJobRun",
    "CreateCrawler",
    "UpdateCrawler",
    "GetCrawler",
    "GetCrawlers",
    "BatchGetCrawlers",
    "GetCrawlerMetrics",
    "StartCrawler",
    "StopCrawler",
    "DeleteCrawler",
    "ListCrawls",
    "TagResource",
    "UntagResource",
    "GetTags",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_glue::Client {
    if once { session.glue() } else { session.retrying().glue() }
}
