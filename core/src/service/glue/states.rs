//! Glue job runs and crawlers: their states and the calls that tell them.

use crate::diagnose::console::escape;
use crate::wait::kind::{Api, Items, Kind, List, Pages, StateTable};

// AWS does not publish Glue's rates; these were chosen low enough not to be
// throttled, and adapt when they are.
static GET_JOB_RUN: Api = api("GetJobRun", "glue:GetJobRun", 20.0, 10.0);
static GET_JOB_RUNS: Api = api("GetJobRuns", "glue:GetJobRuns", 10.0, 5.0);
static GET_CRAWLER: Api = api("GetCrawler", "glue:GetCrawler", 20.0, 10.0);
static BATCH_GET_CRAWLERS: Api = api("BatchGetCrawlers", "glue:BatchGetCrawlers", 10.0, 5.0);

const fn api(name: &'static str, permission: &'static str, burst: f64, refill: f64) -> Api {
    Api { service: "glue", name, permission, burst, refill, account: None }
}

pub static JOB_RUN: Kind = Kind {
    name: "glue_job_run",
    states: StateTable {
        pending: &["STARTING", "RUNNING", "STOPPING", "WAITING"],
        success: &["SUCCEEDED"],
        failure: &["STOPPED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"],
    },
    single: &GET_JOB_RUN,
    whole: None,
    list: Some(List {
        api: &GET_JOB_RUNS,
        ids: None,
        pages: Some(Pages { size: 200, active_only: false }),
        items: Some(Items { list: "JobRuns", id: "Id", single: "JobRun" }),
        needs_parent: true,
    }),
    parent_of: None,
    console: |region, job, id| Some(format!("gluestudio/home?region={region}#/job/{}/run/{id}", escape(job?))),
};

/// A crawler is a job that can run again: while it is not `READY` its own state
/// counts, and once it is, the outcome of its last crawl (`SUCCEEDED`,
/// `CANCELLED`, `FAILED`), if that is the crawl waited for.
pub static CRAWLER: Kind = Kind {
    name: "glue_crawler",
    states: StateTable {
        pending: &["READY", "RUNNING", "STOPPING"],
        success: &["SUCCEEDED"],
        failure: &["CANCELLED", "FAILED"],
    },
    single: &GET_CRAWLER,
    whole: None,
    list: Some(List {
        api: &BATCH_GET_CRAWLERS,
        ids: Some(100),
        pages: None,
        items: Some(Items { list: "Crawlers", id: "Name", single: "Crawler" }),
        needs_parent: false,
    }),
    parent_of: None,
    console: |region, _, name| {
        Some(format!("glue/home?region={region}#/v2/data-catalog/crawlers/view/{}", escape(name)))
    },
};
