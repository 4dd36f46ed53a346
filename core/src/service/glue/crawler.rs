//! Starts Glue crawlers. A crawler has at most one crawl at a time and its start takes no token,
//! so a running crawl is joined, and an ended one is told apart by its start time.

use serde_json::{Value, json};

use crate::error::{Class, Error, Result};
use crate::job::{Aws, Job, Reattached, Started, request_member};

pub(crate) async fn start<A: Aws>(aws: &A, job: &Job) -> Result<Started> {
    let told = aws.admit("glue", "StartCrawler", &job.request)?;
    let name = request_member(&job.request, "StartCrawler", "Name")?;
    let started = |reattached, since, notice| Started {
        ids: vec![name.to_owned()],
        parent: None,
        reattached,
        response: json!({}),
        since,
        notice,
    };
    // The last crawl's start, by AWS's clock: the wait takes only a later one for its own.
    let (since, notice) = match aws.call("glue", "GetCrawler", &json!({"Name": name})).await {
        Ok(reply) => {
            let crawler = &reply["Crawler"];
            let since = Some(last_start(crawler));
            if job.reuse && crawler["State"].as_str().is_some_and(|state| state != "READY") {
                return Ok(started(Some(Reattached::Pending), since, None));
            }
            (since, told)
        }
        Err(Error::Aws(error)) if error.class == Class::AccessDenied => (
            None,
            Some(format!("cannot tell this crawl from the one before without glue:GetCrawler: {}", error.message)),
        ),
        Err(error) => return Err(error),
    };
    match aws.call("glue", "StartCrawler", &job.request).await {
        Ok(_) => Ok(started(None, since, notice)),
        // Also the answer to a retry whose first try got through.
        Err(Error::Aws(error)) if error.code == "CrawlerRunningException" && job.reuse => {
            Ok(started(Some(Reattached::Pending), since, notice))
        }
        Err(error) => Err(error),
    }
}

/// Just after the start of the crawler's last ended crawl; of a crawler that never ran, any time.
fn last_start(crawler: &Value) -> f64 {
    crawler["LastCrawl"]["StartTime"].as_f64().map_or(0.0, |start| start + 0.001)
}
