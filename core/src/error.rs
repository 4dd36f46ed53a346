//! Every way the core can fail, in one enum that crosses to Python as JSON.

use serde::Serialize;
use serde_json::Value;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug, thiserror::Error, Serialize)]
#[serde(tag = "type")]
pub enum Error {
    /// AWS answered with an error, or could not be reached.
    #[error(transparent)]
    #[serde(rename = "AwsError")]
    Aws(AwsError),
    /// The request was refused before it was sent.
    #[error(transparent)]
    #[serde(rename = "RequestValidationError")]
    Request(RequestError),
    #[error("{message}")]
    #[serde(rename = "ConnectionSettingsError")]
    Settings { message: String },
    #[error("{message}")]
    #[serde(rename = "CredentialsError")]
    Credentials {
        message: String,
        /// Whether another try may go better.
        #[serde(skip)]
        transient: bool,
    },
    #[error(transparent)]
    #[serde(rename = "JobFailedError")]
    JobFailed(Box<JobFailure>),
    #[error("{kind} {id} is in state {state:?}, which this version of mwaalib does not know")]
    #[serde(rename = "UnknownStateError")]
    UnknownState { kind: String, id: String, state: String },
    #[error("{kind} {} did not end before the deadline (last seen: {}){detail}", ids.join(", "), states.join(", "))]
    #[serde(rename = "WaitTimeoutError")]
    Deadline { kind: String, ids: Vec<String>, states: Vec<String>, detail: String },
    #[error("the wait was cancelled")]
    #[serde(rename = "WaitCancelledError")]
    Cancelled,
    #[error("{message}")]
    #[serde(rename = "InternalError")]
    Internal { message: String },
}

/// What a caller may do about an AWS error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Class {
    /// Network failure, time-out or 5xx: try again.
    Transient,
    /// Rate exceeded: try again, more slowly.
    Throttled,
    /// Credentials or token expired: refresh and try again.
    Expired,
    NotFound,
    AccessDenied,
    /// Any other refusal: the same request fails again.
    Permanent,
}

#[derive(Clone, Debug, thiserror::Error, Serialize)]
#[error("{service} {operation}: {code}: {message}{}", request_id.as_ref().map(|id| format!(" (request id {id})")).unwrap_or_default())]
pub struct AwsError {
    pub service: String,
    pub operation: String,
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    pub status: Option<u16>,
    pub class: Class,
}

#[derive(Clone, Debug, thiserror::Error, Serialize)]
#[error("{path}: {message}")]
pub struct RequestError {
    pub operation: String,
    /// Where in the request, as `RunJobFlow.Instances.InstanceGroups[0]`.
    pub path: String,
    pub message: String,
}

/// A job that ended in a state of failure, with the cause dug out of its service.
#[derive(Clone, Debug, thiserror::Error, Serialize)]
#[error("{kind} {id} ended as {state}{}{}{}{}",
    reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default(),
    cause.as_ref().map(|c| format!("\ncause: {c}")).unwrap_or_default(),
    logs.as_ref().map(|l| format!("\nlogs: {l}")).unwrap_or_default(),
    console_url.as_ref().map(|u| format!("\nconsole: {u}")).unwrap_or_default())]
pub struct JobFailure {
    pub kind: String,
    pub id: String,
    pub state: String,
    pub reason: Option<String>,
    pub cause: Option<String>,
    /// Where the logs lie.
    pub logs: Option<String>,
    pub console_url: Option<String>,
    /// The service's own description of the job.
    pub detail: Value,
}

impl Error {
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal { message: message.into() }
    }

    pub fn credentials(message: impl Into<String>) -> Self {
        Self::Credentials { message: message.into(), transient: false }
    }

    /// The JSON form that Python builds its exception from: `{"type": class name, ...fields}`.
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_else(
            |e| serde_json::json!({"type": "InternalError", "message": format!("{self} (not serialised: {e})")}),
        );
        let class = match self.class() {
            Some(Class::NotFound) => "AwsNotFoundError",
            Some(Class::AccessDenied) => "AwsAccessDeniedError",
            Some(Class::Throttled) => "AwsThrottlingError",
            _ => return value.to_string(),
        };
        value["type"] = class.into();
        value.to_string()
    }

    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Aws(e) => Some(e.class),
            Self::Credentials { transient: true, .. } => Some(Class::Transient),
            _ => None,
        }
    }
}
