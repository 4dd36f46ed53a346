//! Jobs: what to start, how to find it again after a crash, how to cancel it.
//!
//! A start carries a key of its caller's choosing. The key is put where the API keeps it (a tag,
//! a name, an argument, a comment), so that a second start with the same key finds the first one:
//! still pending, it is joined; succeeded, it is adopted; failed, a new one is started.
//!
//! Two starts with one key at the same moment may both go through (except for Step Functions
//! Standard workflows, whose names are unique): callers serialise their attempts, as Airflow does.

mod aws;
mod key;
pub(crate) mod once;
mod session;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use aws::Aws;
pub(crate) use key::{Key, labelled, newest};
pub(crate) use once::{Found, Outcome, Search, Start, look};

use crate::error::{Error, RequestError, Result};
use crate::service;
use crate::session::Session;

/// What to start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// `emr_job_flow`, `emr_step`, `sfn_execution`, `glue_job_run`, `glue_crawler` or `ssm_command`.
    pub kind: String,
    /// The members of the AWS request, named as in boto3.
    pub request: Value,
    /// Tells this start from every other; without one each call starts a new job.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether a job found under the key (or a crawler already running) is joined or adopted. A first
    /// attempt wants none: what it would find is another deployment's, or of a run since deleted.
    #[serde(default = "yes")]
    pub reuse: bool,
    /// Unix time before which nobody can have started anything under this key.
    #[serde(default)]
    pub since: Option<f64>,
}

impl Job {
    /// Reads the JSON form; the error names what is wrong in it.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| refused("job", error.to_string()))
    }
}

fn yes() -> bool {
    true
}

/// What was started, or found.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Started {
    pub ids: Vec<String>,
    pub parent: Option<String>,
    /// None when this call started the job, else the state it was found in.
    pub reattached: Option<Reattached>,
    /// The reply of the start call, or one of its shape made from what was found.
    pub response: Value,
    /// Crawlers: a crawl that began before this time (Unix seconds, AWS's clock) is not this one.
    pub since: Option<f64>,
    /// What the caller's user should know, such as a missing permission to look for earlier starts.
    pub notice: Option<String>,
}

impl Started {
    /// The JSON form.
    pub fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Reattached {
    Pending,
    Succeeded,
}

/// Starts a job, or finds the one that was started under the same key.
///
/// # Errors
/// `Error::Request` for a request refused before it was sent, `Error::Aws` when AWS refuses.
pub async fn start(session: &Session, job: Job) -> Result<Started> {
    service::start(session, &job).await
}

/// Asks AWS to stop jobs. Jobs that have ended already are no error.
///
/// # Errors
/// `Error::Aws` when AWS refuses to stop a job that is still pending.
pub async fn cancel(session: &Session, kind: &str, parent: Option<&str>, ids: &[String]) -> Result<()> {
    service::cancel(session, kind, parent, ids).await
}

pub(crate) fn need_parent<'a>(kind: &str, parent: Option<&'a str>) -> Result<&'a str> {
    parent.ok_or_else(|| refused("wait.parent", format!("{kind} needs the parent of its ids")))
}

pub(crate) fn unknown_kind(kind: &str) -> Error {
    refused("job.kind", format!("unknown kind {kind:?}"))
}

fn refused(path: &str, message: String) -> Error {
    Error::Request(RequestError { operation: "job".to_owned(), path: path.to_owned(), message })
}

/// A member of a reply that AWS always sends.
pub(crate) fn text_member(reply: &Value, name: &str, operation: &str) -> Result<String> {
    reply[name]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::internal(format!("{operation}: the reply has no {name}")))
}

/// A member of a request, which must be there.
pub(crate) fn request_member<'a>(request: &'a Value, operation: &str, name: &str) -> Result<&'a str> {
    request[name].as_str().ok_or_else(|| {
        Error::Request(RequestError {
            operation: operation.to_owned(),
            path: operation.to_owned(),
            message: format!("missing required parameter '{name}'"),
        })
    })
}
