//! What the engine asks of AWS, as a trait: the SDK answers it, or a simulation.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::kind::{Kind, State};
use super::metered::Metered;
use super::spec::EventSink;
use crate::error::{JobFailure, Result};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One job as AWS described it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub state: State,
    /// Of a job that can run again: the outcome of its last run.
    pub last: Option<Last>,
    /// Unix seconds.
    pub created: Option<f64>,
    /// The reply of the describe call; list entries come without.
    pub detail: Option<Value>,
    /// The single jobs behind the id `*`.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub struct Last {
    pub state: State,
    /// Unix seconds.
    pub started: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub id: String,
    pub state: String,
    pub detail: Value,
}

impl Seen {
    pub fn new(state: impl Into<State>) -> Self {
        Self { state: state.into(), last: None, created: None, detail: None, parts: Vec::new() }
    }

    /// A job at rest, with the outcome of its last run.
    pub fn again(state: impl Into<State>, last: &str, started: Option<f64>) -> Self {
        let last = Last { state: Cow::Owned(last.to_owned()), started };
        Self { last: Some(last), ..Self::new(state) }
    }

    #[must_use]
    pub fn with_detail(self, detail: Value) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// What to ask of a list.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The ids to list; empty asks for a page of all.
    pub ids: Vec<Arc<str>>,
    pub token: Option<String>,
    /// Leave out what was created before: Unix seconds.
    pub created_after: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    pub items: Vec<(String, Seen)>,
    pub next: Option<String>,
    /// Ids asked for that do not exist.
    pub missing: Vec<String>,
    /// The reply as it came, to take descriptions from.
    pub raw: Option<Vec<u8>>,
}

/// Answers for one session. `one` and `page` are one request each: the engine does the retries, the
/// budgets and the time limits. What takes more requests makes them through `Metered`.
pub trait Remote: Send + Sync + 'static {
    /// Equal for remotes whose waits may share calls.
    fn key(&self) -> u64;

    /// Equal for remotes that draw on the same call budgets.
    fn scope(&self) -> String;

    fn one<'a>(&'a self, kind: &'static Kind, parent: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<Seen>>;

    fn page<'a>(&'a self, kind: &'static Kind, parent: Option<&'a str>, ask: &'a Ask) -> BoxFuture<'a, Result<Page>>;

    /// All jobs of a parent, for the kinds that have the id `*`. It may take several calls.
    fn whole<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        metered: &'a Metered,
    ) -> BoxFuture<'a, Result<Seen>>;

    /// Gets new credentials after AWS called the old ones expired.
    fn refresh(&self) -> BoxFuture<'_, Result<()>>;

    /// Finds out why a job failed.
    fn diagnose<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        id: &'a str,
        state: &'a str,
        detail: &'a Value,
        metered: &'a Metered,
    ) -> BoxFuture<'a, JobFailure>;

    /// Follows the job's own log into the sink until it is told that the job
    /// ended and has read what is left. `None`: this kind has no log to follow.
    fn follow<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        id: &'a str,
        sink: EventSink,
        ended: watch::Receiver<bool>,
        metered: &'a Metered,
    ) -> Option<BoxFuture<'a, ()>>;
}
