//! Waiting for jobs: all waits of a process share few calls.
//!
//! A wait joins the group of its (session, kind, parent). Each group has one
//! poller, which plans the cheapest calls for the jobs that are due, keeps to
//! the call budgets, and tells each wait of its job's changes and end.

mod answers;
mod apply;
mod budget;
mod call;
mod engine;
mod group;
mod items;
mod job;
pub mod kind;
pub mod metered;
mod metrics;
mod options;
mod plan;
mod poller;
pub mod random;
pub mod remote;
mod spec;
mod standing;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use engine::Engine;
pub use kind::StateTable;
pub use metrics::{Calls, Lag, Snapshot};
pub use options::{Budget, Options};
pub use spec::{Event, EventSink, JobResult, Outcome, WaitSpec};

use crate::error::Result;
use crate::process::{Inherited, PerProcess};
use crate::service;
use crate::service::watch::AwsRemote;
use crate::session::Session;

/// A panic elsewhere leaves the data whole: every change is one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All states of a kind, by what they mean.
pub fn states(kind: &str) -> Result<StateTable> {
    let found = service::kind(kind).ok_or_else(|| spec::refused("kind", format!("unknown kind {kind:?}")))?;
    Ok(found.states)
}

/// A forked child goes on with what was configured before the fork.
static OPTIONS: Inherited<Options> = Inherited::new();
static ENGINE: PerProcess<Engine> = PerProcess::new(|| Engine::new(OPTIONS.get().cloned().unwrap_or_default()));

/// Waits until all jobs of `spec` are in a state that was waited for.
///
/// Dropping the future drops the wait. Must be called within the process's tokio runtime.
///
/// # Errors
/// `JobFailed` for the first job that ended otherwise, `Deadline`, `UnknownState`, and AWS errors
/// that waiting does not cure.
pub async fn wait(session: &Session, spec: WaitSpec, sink: Option<EventSink>) -> Result<Outcome> {
    ENGINE.get().wait(Arc::new(AwsRemote::new(session.clone())), spec, sink).await
}

/// Sets budgets and the like for this process and those forked from it, for waits under way too.
pub fn configure(options: Options) {
    if OPTIONS.get() != Some(&options) {
        OPTIONS.set(options.clone());
    }
    ENGINE.get().configure(options);
}

/// The engine's counters in this process.
pub fn metrics() -> Snapshot {
    ENGINE.get().metrics()
}
