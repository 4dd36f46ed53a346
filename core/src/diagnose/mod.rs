//! Why a job failed: what its service knows, put into one error.

pub mod console;
pub mod redact;
pub mod text;

use std::time::Duration;

use serde_json::Value;

use crate::error::JobFailure;
use crate::job::Aws;
use crate::service;

/// How long the services are asked. What was found until then counts.
const LIMIT: Duration = Duration::from_secs(15);

/// Finds out why a job failed. It never fails itself: what cannot be asked is left out.
pub(crate) async fn diagnose<A: Aws>(aws: &A, job: &Ended<'_>) -> JobFailure {
    let mut findings = Findings::default();
    // An unfinished look is dropped and leaves its findings behind.
    let _ = tokio::time::timeout(LIMIT, service::diagnose(aws, job, &mut findings)).await;
    findings.into_failure(job, aws.region())
}

/// What a service could tell about a failure, beyond the state itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    pub reason: Option<String>,
    pub cause: Option<String>,
    pub logs: Option<String>,
}

impl Findings {
    /// Sets the reason when there is none yet and `reason` says something.
    pub fn reason(&mut self, reason: Option<&str>) {
        if self.reason.is_none() {
            self.reason = reason.map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned);
        }
    }

    /// Adds a paragraph to the cause.
    pub fn cause(&mut self, cause: &str) {
        let cause = cause.trim();
        if cause.is_empty() || self.cause.as_ref().is_some_and(|known| known.contains(cause)) {
            return;
        }
        let known = self.cause.get_or_insert_with(String::new);
        if !known.is_empty() {
            known.push('\n');
        }
        known.push_str(cause);
    }

    /// Quotes a log: the exception found in it first, then its tail under `title`.
    pub fn log(&mut self, title: &str, log: &str) {
        let log = log.trim_end();
        if log.trim().is_empty() {
            return;
        }
        if let Some(exception) = text::exception(log) {
            self.cause(&exception);
        }
        let known = self.cause.as_ref().map_or(0, String::len);
        let room = text::CAUSE_LIMIT.saturating_sub(known + title.len() + 24);
        if room > 200 {
            self.cause(&format!("{title} ends:\n{}", text::tail(log, room)));
        }
    }

    pub fn into_failure(self, job: &Ended<'_>, region: Option<&str>) -> JobFailure {
        JobFailure {
            kind: job.kind.to_owned(),
            id: job.id.to_owned(),
            state: job.state.to_owned(),
            reason: self.reason.map(|reason| redact::redact(&text::head(&reason, 1024))),
            cause: self.cause.map(|cause| redact::redact(&text::head(&cause, text::CAUSE_LIMIT))),
            logs: self.logs,
            console_url: console::console_url(job.kind, region, job.parent, job.id),
            detail: job.detail.clone(),
        }
    }
}

/// A job that ended badly, as the wait saw it.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    pub kind: &'a str,
    pub parent: Option<&'a str>,
    pub id: &'a str,
    pub state: &'a str,
    /// The service's own description of the job; may be a list entry with less in it.
    pub detail: &'a Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gives_its_exception_first_and_stays_bounded() {
        let mut findings = Findings::default();
        let log =
            format!("{}\nTraceback (most recent call last):\n  File \"a\"\nKeyError: 'x'\n", "noise\n".repeat(4000));
        findings.log("stderr", &log);
        let cause = findings.cause.as_deref().unwrap_or_default();
        assert!(cause.starts_with("KeyError: 'x'\nstderr ends:\n"), "{cause}");
        assert!(cause.len() <= text::CAUSE_LIMIT);
        findings.log("stdout", "  \n");
        assert!(!findings.cause.unwrap().contains("stdout"));
    }

    #[test]
    fn a_failure_carries_the_console_page_and_no_secret() {
        let mut findings = Findings::default();
        findings.reason(Some("  "));
        findings.reason(Some("bad --password topsecret"));
        findings.reason(Some("second"));
        let detail = Value::Null;
        let job =
            Ended { kind: "emr_job_flow", parent: None, id: "j-1", state: "TERMINATED_WITH_ERRORS", detail: &detail };
        let failure = findings.into_failure(&job, Some("eu-west-1"));
        assert_eq!(failure.reason.as_deref(), Some("bad --password ***"));
        assert!(failure.console_url.unwrap().ends_with("clusterDetails/j-1"));
    }
}
