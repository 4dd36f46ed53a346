//! What mwaalib knows of each AWS service. A new one joins here: its module, its operations, and its
//! kinds of jobs with how they are watched, started, cancelled and explained.

pub mod emr;
pub mod glue;
pub mod iam;
pub mod logs;
mod metered;
mod operations;
mod query;
pub mod s3;
pub mod sfn;
pub mod ssm;
pub mod sts;
pub mod watch;

use serde_json::Value;

use crate::diagnose::{Ended, Findings};
use crate::error::RequestError;
use crate::job::{self, Aws, Job, Started, once};
use crate::request::Raw;
use crate::wait::kind::{Api, Kind};
use crate::{Error, Result, Session};

use operations::operations;
use watch::Probe;

/// The kinds of jobs that can be waited for.
static PROBES: [&Probe; 6] = [
    &emr::probe::JOB_FLOW,
    &emr::probe::STEP,
    &sfn::probe::EXECUTION,
    &glue::probe::JOB_RUN,
    &glue::probe::CRAWLER,
    &ssm::probe::COMMAND,
];

/// Calls that waiting leads to beyond those of the kinds themselves.
static FURTHER_APIS: [&Api; 3] =
    [&sfn::states::GET_EXECUTION_HISTORY, &ssm::states::LIST_COMMANDS, &logs::GET_LOG_EVENTS];

/// Starts a job of its kind.
pub(crate) async fn start<A: Aws>(aws: &A, job: &Job) -> Result<Started> {
    match job.kind.as_str() {
        "emr_job_flow" => once::run(aws, &emr::start::JobFlow, job).await,
        "emr_step" => once::run(aws, &emr::start::Steps, job).await,
        "sfn_execution" => once::run(aws, &sfn::start::Execution, job).await,
        "glue_job_run" => once::run(aws, &glue::start::JobRun, job).await,
        "glue_crawler" => glue::crawler::start(aws, job).await,
        "ssm_command" => once::run(aws, &ssm::start::Command, job).await,
        other => Err(job::unknown_kind(other)),
    }
}

/// Asks for jobs of a kind to be stopped.
pub(crate) async fn cancel<A: Aws>(aws: &A, kind: &str, parent: Option<&str>, ids: &[String]) -> Result<()> {
    let of_parent = || job::need_parent(kind, parent);
    match kind {
        "emr_job_flow" => emr::cancel::job_flows(aws, ids).await,
        "emr_step" => emr::cancel::steps(aws, of_parent()?, ids).await,
        "sfn_execution" => sfn::cancel::executions(aws, ids).await,
        "glue_job_run" => glue::cancel::job_runs(aws, of_parent()?, ids).await,
        "glue_crawler" => glue::cancel::crawlers(aws, ids).await,
        "ssm_command" => ssm::cancel::command(aws, of_parent()?, ids).await,
        other => Err(job::unknown_kind(other)),
    }
}

/// Looks for what made a job fail.
pub(crate) async fn diagnose<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    match job.kind {
        "emr_job_flow" => emr::diagnose::job_flow(aws, job, findings).await,
        "emr_step" => emr::diagnose::step(aws, job, findings).await,
        "sfn_execution" => sfn::diagnose::execution(aws, job, findings).await,
        "glue_job_run" => glue::diagnose::job_run(aws, job, findings).await,
        "glue_crawler" => glue::diagnose::crawler(aws, job, findings).await,
        "ssm_command" => ssm::diagnose::command(aws, job, findings).await,
        _ => {}
    }
}

/// All kinds of jobs.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    PROBES.iter().map(|probe| probe.kind)
}

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    kinds().find(|kind| kind.name == name)
}

/// All calls that have a budget.
pub fn apis() -> impl Iterator<Item = &'static Api> {
    kinds().flat_map(Kind::apis).chain(FURTHER_APIS)
}

pub(crate) fn api(service: &str, name: &str) -> Option<&'static Api> {
    apis().find(|api| api.service == service && api.name == name)
}

fn probe(kind: &Kind) -> Result<&'static Probe> {
    let probe = PROBES.iter().find(|probe| probe.kind.name == kind.name);
    probe.copied().ok_or_else(|| Error::internal(format!("no probe for kind {}", kind.name)))
}

/// What `Session::call` offers.
pub const OPERATIONS: &[(&str, &[&str])] = &[
    ("emr", emr::OPERATIONS),
    ("sfn", sfn::OPERATIONS),
    ("glue", glue::OPERATIONS),
    ("ssm", ssm::OPERATIONS),
    ("logs", logs::OPERATIONS),
    ("sts", sts::OPERATIONS),
    ("iam", iam::OPERATIONS),
];

/// How often a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempts {
    One,
    AsSet,
}

/// Sends a checked body through the operation of that name.
pub(crate) async fn call(
    session: &Session,
    service: &str,
    operation: &str,
    body: &Value,
    attempts: Attempts,
) -> Result<Value> {
    let raw = Raw::new(body);
    let raw = if attempts == Attempts::One { raw.once() } else { raw };
    match crate::session::canonical_service(service) {
        "emr" => emr::send(session, operation, &raw).await?,
        "sfn" => sfn::send(session, operation, &raw).await?,
        "glue" => glue::send(session, operation, &raw).await?,
        "ssm" => ssm::send(session, operation, &raw).await?,
        "logs" => logs::send(session, operation, &raw).await?,
        service @ ("sts" | "iam") => return query::send(session, service, operation, body).await,
        _ => return Err(unknown(service, operation)),
    }
    raw.reply()
}

pub(crate) fn unknown(service: &str, operation: &str) -> Error {
    Error::Request(RequestError {
        operation: operation.to_owned(),
        path: format!("{service}.{operation}"),
        message: "mwaalib does not offer this operation".to_owned(),
    })
}
