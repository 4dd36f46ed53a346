//! What a caller asks of the engine and what it gets: the JSON of the border.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::kind::{ALL, Kind, Phase};
use super::remote::Seen;
use crate::error::{Error, RequestError, Result};
use crate::service;

/// A wait for jobs of one kind, over when all have succeeded or one has failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WaitSpec {
    pub kind: String,
    /// What the jobs belong to: a cluster, a Glue job, an SSM command.
    #[serde(default)]
    pub parent: Option<String>,
    /// Empty stands for all jobs of the parent, where the kind allows that.
    #[serde(default)]
    pub ids: Vec<String>,
    /// States to wait for in place of the kind's own successes.
    #[serde(default)]
    pub success: Option<Vec<String>>,
    /// States that end the wait as failed, in place of the kind's own failures.
    #[serde(default)]
    pub failure: Option<Vec<String>>,
    /// Seconds between polls.
    #[serde(default = "default_delay")]
    pub delay: f64,
    /// Unix time in seconds.
    #[serde(default)]
    pub deadline: Option<f64>,
    /// Follow the job's own log too, where the kind has one.
    #[serde(default)]
    pub verbose: bool,
    /// Unix time in seconds, for jobs that run again under the same id: the
    /// outcome of a run that AWS says began before it does not count. Taken
    /// from AWS's own clock (just after the previous run's start) it is proof
    /// against a clock that differs.
    #[serde(default)]
    pub since: Option<f64>,
}

fn default_delay() -> f64 {
    30.0
}

/// All jobs, each in a state that was waited for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub results: Vec<JobResult>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobResult {
    pub id: String,
    pub state: String,
    /// The reply of the kind's describe call.
    pub detail: Value,
}

/// What happens during a wait.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    /// The job is in another state than before.
    State { kind: String, id: String, state: String, previous: Option<String> },
    /// A line of the job's own log.
    Log { id: String, stream: String, message: String },
    /// Something about the waiting itself.
    Notice { message: String },
}

/// Receives events. It is called from the engine's tasks and must return at once.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

impl WaitSpec {
    /// Reads the JSON form; the error names the field.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| refused("wait", e.to_string()))
    }

    /// Checks what a type cannot say and finds the kind.
    pub(crate) fn check(&mut self) -> Result<&'static Kind> {
        let kind = service::kind(&self.kind).ok_or_else(|| {
            let known: Vec<&str> = service::kinds().map(|kind| kind.name).collect();
            refused("wait.kind", format!("unknown kind {:?}, known are {}", self.kind, known.join(", ")))
        })?;
        if self.ids.is_empty() {
            if kind.whole.is_none() {
                return Err(refused("wait.ids", format!("{} needs at least one id", kind.name)));
            }
            self.ids.push(ALL.to_owned());
        }
        if self.ids.iter().any(String::is_empty) {
            return Err(refused("wait.ids", "an id is empty".to_owned()));
        }
        let needs_parent = kind.parent_of.is_none() && kind.list.as_ref().is_some_and(|list| list.needs_parent);
        if needs_parent && self.parent.as_ref().is_none_or(String::is_empty) {
            return Err(refused("wait.parent", format!("{} needs the parent of its ids", kind.name)));
        }
        if !(self.delay.is_finite() && self.delay > 0.0) {
            return Err(refused("wait.delay", format!("{} is not a positive number of seconds", self.delay)));
        }
        if self.deadline.is_some_and(|deadline| !deadline.is_finite()) {
            return Err(refused("wait.deadline", "not a finite number of seconds".to_owned()));
        }
        if self.success.as_ref().is_some_and(Vec::is_empty) {
            return Err(refused("wait.success", "an empty list can never be reached".to_owned()));
        }
        Ok(kind)
    }

    /// The poll interval, kept within what timers can bear.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.delay.clamp(0.01, 86_400.0))
    }

    /// The deadline on the engine's clock, in the past at most by nothing.
    pub(crate) fn until(&self) -> Option<Instant> {
        const YEAR: f64 = 366.0 * 86_400.0;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.deadline.map(|deadline| Instant::now() + Duration::from_secs_f64((deadline - now).clamp(0.0, YEAR)))
    }
}

pub(crate) fn refused(path: &str, message: String) -> Error {
    Error::Request(RequestError { operation: "wait".to_owned(), path: path.to_owned(), message })
}

/// What counts as the end of one wait.
#[derive(Debug)]
pub(crate) struct Goal {
    pub success: Option<Vec<String>>,
    pub failure: Option<Vec<String>>,
    pub since: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pending,
    Success,
    Failure,
    Unknown,
}

impl Goal {
    /// The state that counts for this wait: of a job that can run again, the
    /// outcome of its last run only if that began late enough.
    pub fn effective<'a>(&self, seen: &'a Seen) -> &'a super::kind::State {
        match &seen.last {
            Some(last) if self.since.is_none_or(|since| last.started.is_some_and(|at| at >= since)) => &last.state,
            _ => &seen.state,
        }
    }

    pub fn judge(&self, kind: &Kind, state: &str) -> Verdict {
        let named = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.iter().any(|name| name == state));
        let (wanted, unwanted) = (named(&self.success), named(&self.failure));
        if wanted == Some(true) {
            return Verdict::Success;
        }
        if unwanted == Some(true) {
            return Verdict::Failure;
        }
        match kind.states.phase(state) {
            None => Verdict::Unknown,
            Some(Phase::Pending) => Verdict::Pending,
            // A job that has ended never reaches what was waited for instead.
            Some(Phase::Success) if wanted == Some(false) => Verdict::Failure,
            Some(Phase::Success) => Verdict::Success,
            Some(Phase::Failure) => Verdict::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> Result<WaitSpec> {
        let mut spec = WaitSpec::from_json(json)?;
        spec.check()?;
        Ok(spec)
    }

    #[test]
    fn a_spec_needs_little() {
        let spec = spec(r#"{"kind": "glue_crawler", "ids": ["curated"]}"#).unwrap();
        assert_eq!(spec.interval(), Duration::from_secs(30));
        assert!(spec.until().is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, path) in [
            (r#"{"kind": "emr_stap", "parent": "j-1", "ids": ["s-1"]}"#, "wait.kind"),
            (r#"{"kind": "emr_step", "ids": ["s-1"]}"#, "wait.parent"),
            (r#"{"kind": "emr_step", "parent": "j-1"}"#, "wait.ids"),
            (r#"{"kind": "emr_step", "parent": "j-1", "ids": [""]}"#, "wait.ids"),
            (r#"{"kind": "glue_crawler", "ids": ["c"], "delay": 0}"#, "wait.delay"),
            (r#"{"kind": "glue_crawler", "ids": ["c"], "success": []}"#, "wait.success"),
        ] {
            match spec(json) {
                Err(Error::Request(e)) => assert_eq!(e.path, path, "{e}"),
                other => panic!("{json}: {other:?}"),
            }
        }
        let error = spec(r#"{"kind": "glue_crawler", "ids": ["c"], "dealy": 3}"#).unwrap_err().to_string();
        assert!(error.contains("dealy") && error.contains("delay"), "{error}");
    }

    #[test]
    fn all_jobs_of_a_command_may_be_meant() {
        assert_eq!(spec(r#"{"kind": "ssm_command", "parent": "c"}"#).unwrap().ids, [ALL]);
    }

    fn goal(success: Option<&[&str]>, failure: Option<&[&str]>) -> Goal {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Goal { success: success.map(owned), failure: failure.map(owned), since: None }
    }

    #[test]
    fn targets_apply_over_the_table() {
        let kind = &crate::service::emr::states::JOB_FLOW;
        let own = goal(None, None);
        assert_eq!(own.judge(kind, "WAITING"), Verdict::Pending);
        assert_eq!(own.judge(kind, "TERMINATED"), Verdict::Success);
        assert_eq!(own.judge(kind, "TERMINATED_WITH_ERRORS"), Verdict::Failure);
        assert_eq!(own.judge(kind, "MELTED"), Verdict::Unknown);

        let waiting = goal(Some(&["WAITING"]), None);
        assert_eq!(waiting.judge(kind, "RUNNING"), Verdict::Pending);
        assert_eq!(waiting.judge(kind, "WAITING"), Verdict::Success);
        assert_eq!(waiting.judge(kind, "TERMINATED"), Verdict::Failure, "it can no more become WAITING");
        assert_eq!(waiting.judge(kind, "TERMINATED_WITH_ERRORS"), Verdict::Failure);

        let strict = goal(Some(&["TERMINATED"]), Some(&["WAITING"]));
        assert_eq!(strict.judge(kind, "WAITING"), Verdict::Failure);
        assert_eq!(strict.judge(kind, "TERMINATED_WITH_ERRORS"), Verdict::Failure);
        assert_eq!(goal(None, Some(&[])).judge(kind, "TERMINATED_WITH_ERRORS"), Verdict::Failure);
    }

    #[test]
    fn an_earlier_crawl_does_not_count() {
        let seen = |started| Seen::again("READY", "SUCCEEDED", started);
        let since = Goal { success: None, failure: None, since: Some(100.0) };
        assert_eq!(since.effective(&seen(Some(99.0))), "READY");
        assert_eq!(since.effective(&seen(Some(100.0))), "SUCCEEDED");
        assert_eq!(since.effective(&seen(None)), "READY");
        let any = Goal { since: None, ..since };
        assert_eq!(any.effective(&seen(Some(1.0))), "SUCCEEDED");
    }
}
