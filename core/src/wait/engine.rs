//! The engine: groups of waits, their pollers, and what they share.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::answers::Answers;
use super::budget::Budgets;
use super::group::{Group, GroupKey};
use super::job::{End, Waiter};
use super::kind::Kind;
use super::lock;
use super::metered::Metered;
use super::metrics::{Counters, Snapshot};
use super::options::Options;
use super::poller;
use super::remote::Remote;
use super::spec::{EventSink, Goal, Outcome, WaitSpec};
use super::standing::Standing;
use crate::diagnose::Ended;
use crate::error::{Error, JobFailure, Result};

/// Time for the one look that a wait gets whose deadline has passed.
const LAST_LOOK: Duration = Duration::from_secs(30);
/// Diagnoses at one time: each reads logs of some megabytes.
const DIAGNOSES: usize = 50;
/// Time that a diagnosis waits for its turn.
const TURN: Duration = Duration::from_secs(60);
/// Time for the last lines of a job's log after its end.
const LAST_LINES: Duration = Duration::from_secs(15);

/// All waits of one process. Cheap to make; starts nothing until the first wait.
#[derive(Default)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    options: Mutex<Arc<Options>>,
    pub budgets: Budgets,
    pub counters: Counters,
    groups: Mutex<HashMap<GroupKey, Arc<Group>>>,
    standings: Mutex<HashMap<u64, Arc<Standing>>>,
    pub answers: Answers,
    diagnoses: Turns,
}

struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(DIAGNOSES))
    }
}

impl Engine {
    pub fn new(options: Options) -> Self {
        let engine = Self::default();
        engine.configure(options);
        engine
    }

    /// Puts options in force, for waits under way too.
    pub fn configure(&self, options: Options) {
        self.shared.budgets.configure(&options);
        *lock(&self.shared.options) = Arc::new(options);
    }

    pub fn metrics(&self) -> Snapshot {
        self.shared.counters.snapshot()
    }

    /// Waits until all jobs are in a state that was waited for.
    ///
    /// Dropping the future drops the wait. Must be called within a tokio runtime.
    pub async fn wait(&self, remote: Arc<dyn Remote>, mut spec: WaitSpec, sink: Option<EventSink>) -> Result<Outcome> {
        let kind = spec.check()?;
        let remote = &remote;
        let registration = self.register(Arc::clone(remote), kind, &spec, sink.clone());
        let (registration, ended) = registration;
        let follow = sink.filter(|_| spec.verbose).map(|sink| Follow::new(&self.shared, remote, kind, &spec, sink));
        let end = async {
            let end = match registration.waiter.deadline {
                Some(deadline) => timeout_at(deadline, ended).await.unwrap_or(Ok(End::TooLate)),
                None => ended.await,
            };
            end.unwrap_or(End::Error(Error::Cancelled))
        };
        let end = match follow {
            Some(follow) => follow.beside(end).await,
            None => end.await,
        };
        let result = match end {
            End::Done(results) => Ok(Outcome { results }),
            End::Error(error) => Err(error),
            End::TooLate => Err(registration.too_late(kind)),
            End::Failed { id, state, detail } => {
                // The other jobs of the wait are of no interest any more.
                let parent = registration.parent(&id).or(spec.parent);
                registration.leave();
                let ended =
                    Ended { kind: kind.name, parent: parent.as_deref(), id: &id, state: &state, detail: &detail };
                Err(self.diagnose(remote, kind, &ended).await)
            }
        };
        registration.finish(&result);
        result
    }

    fn register(
        &self,
        remote: Arc<dyn Remote>,
        kind: &'static Kind,
        spec: &WaitSpec,
        sink: Option<EventSink>,
    ) -> (Registration, tokio::sync::oneshot::Receiver<End>) {
        let goal = Goal { success: spec.success.clone(), failure: spec.failure.clone(), since: spec.since };
        let now = Instant::now();
        let until = spec.until();
        let last_look = until.is_some_and(|until| until <= now);
        let deadline = if last_look { Some(now + LAST_LOOK) } else { until };
        let (waiter, ended) = Waiter::new(goal, spec.interval(), deadline, last_look, sink, spec.ids.len());
        let mut registration =
            Registration { shared: Arc::clone(&self.shared), waiter, places: Mutex::default(), finished: false };
        self.shared.counters.waits_started.fetch_add(1, Relaxed);
        self.shared.counters.waits_active.fetch_add(1, Relaxed);
        for (slot, id) in spec.ids.iter().enumerate() {
            registration.join(&remote, kind, spec.parent.as_deref(), id, slot);
        }
        (registration, ended)
    }

    /// Finds out why a job failed; a diagnosis that hangs does not hide the failure.
    async fn diagnose(&self, remote: &Arc<dyn Remote>, kind: &'static Kind, ended: &Ended<'_>) -> Error {
        let limit = self.shared.options().diagnose_limit();
        let Ended { parent, id, state, detail, .. } = *ended;
        let metered = Metered::new(Arc::clone(&self.shared), Arc::clone(remote));
        let failure = match timeout(TURN, self.shared.diagnoses.0.acquire()).await {
            Ok(_turn) => timeout(limit, remote.diagnose(kind, parent, id, state, detail, &metered))
                .await
                .map_err(|_| format!("AWS did not tell within {} s", limit.as_secs_f64())),
            Err(_) => Err("too many jobs failed at once to ask AWS about each".to_owned()),
        };
        let failure = failure.unwrap_or_else(|why| JobFailure {
            kind: kind.name.to_owned(),
            id: id.to_owned(),
            state: state.to_owned(),
            reason: None,
            cause: Some(format!("not known: {why}")),
            logs: None,
            console_url: None,
            detail: detail.clone(),
        });
        Error::JobFailed(Box::new(failure))
    }
}

impl Shared {
    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&lock(&self.options))
    }

    /// The standing of a session; those of sessions that nobody waits on are let go for a new one.
    pub fn standing(&self, remote: u64) -> Arc<Standing> {
        let mut standings = lock(&self.standings);
        if !standings.contains_key(&remote) {
            standings.retain(|_, standing| Arc::strong_count(standing) > 1);
        }
        Arc::clone(standings.entry(remote).or_default())
    }

    /// The group for a key, polled; a new one if there is none.
    fn group(self: &Arc<Self>, key: GroupKey, kind: &'static Kind, remote: &Arc<dyn Remote>) -> Arc<Group> {
        let mut groups = lock(&self.groups);
        if let Some(group) = groups.get(&key) {
            return Arc::clone(group);
        }
        let metered = Metered::new(Arc::clone(self), Arc::clone(remote));
        let group = Arc::new(Group::new(key.clone(), kind, metered));
        groups.insert(key, Arc::clone(&group));
        tokio::spawn(poller::run(Arc::clone(&group)));
        group
    }

    /// Takes out a group that nobody waits in; false if somebody joined meanwhile.
    pub fn retire(&self, group: &Arc<Group>) -> bool {
        let mut groups = lock(&self.groups);
        let empty = group.with(|jobs| {
            jobs.closed = jobs.jobs.is_empty();
            jobs.closed
        });
        if empty && groups.get(&group.key).is_some_and(|current| Arc::ptr_eq(current, group)) {
            groups.remove(&group.key);
        }
        empty
    }

    /// Takes out a group whose poller is gone.
    pub fn forget(&self, group: &Arc<Group>) {
        let mut groups = lock(&self.groups);
        group.with(|jobs| jobs.closed = true);
        if groups.get(&group.key).is_some_and(|current| Arc::ptr_eq(current, group)) {
            groups.remove(&group.key);
        }
    }
}

/// A wait's places in its groups, left when this is dropped.
struct Registration {
    shared: Arc<Shared>,
    waiter: Arc<Waiter>,
    places: Mutex<Vec<(Arc<Group>, Box<str>)>>,
    finished: bool,
}

impl Registration {
    fn join(&mut self, remote: &Arc<dyn Remote>, kind: &'static Kind, parent: Option<&str>, id: &str, slot: usize) {
        let parent = match kind.parent_of {
            Some(derive) => derive(id),
            None => parent.map(str::to_owned),
        };
        let key = GroupKey { remote: remote.key(), kind: kind.name, parent };
        loop {
            let group = self.shared.group(key.clone(), kind, remote);
            if group.attach(id, &self.waiter, slot) {
                lock(&self.places).push((group, id.into()));
                return;
            }
        }
    }

    fn parent(&self, id: &str) -> Option<String> {
        lock(&self.places).iter().find(|(_, place)| **place == *id).and_then(|(group, _)| group.key.parent.clone())
    }

    fn leave(&self) {
        for (group, id) in std::mem::take(&mut *lock(&self.places)) {
            group.detach(&id, &self.waiter);
        }
    }

    fn too_late(&self, kind: &Kind) -> Error {
        let (mut ids, mut states, mut detail) = (Vec::new(), Vec::new(), String::new());
        for (group, id) in lock(&self.places).iter() {
            let Some((state, error)) = group.with(|jobs| jobs.status(id, &self.waiter)) else { continue };
            if let Some(error) = error.filter(|_| detail.is_empty()) {
                detail = format!("; last error: {error}");
            }
            ids.push(id.to_string());
            states.push(state.unwrap_or_else(|| "never seen".to_owned()));
        }
        Error::Deadline { kind: kind.name.to_owned(), ids, states, detail }
    }

    fn finish(mut self, result: &Result<Outcome>) {
        let counters = &self.shared.counters;
        match result {
            Ok(_) => counters.waits_succeeded.fetch_add(1, Relaxed),
            Err(Error::Deadline { .. }) => counters.waits_timed_out.fetch_add(1, Relaxed),
            Err(_) => counters.waits_failed.fetch_add(1, Relaxed),
        };
        self.finished = true;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.leave();
        self.shared.counters.waits_active.fetch_sub(1, Relaxed);
        if !self.finished {
            self.shared.counters.waits_dropped.fetch_add(1, Relaxed);
        }
    }
}

/// The logs of the jobs, read while the wait goes on.
struct Follow {
    ended: watch::Sender<bool>,
    readers: tokio::task::JoinSet<()>,
}

impl Follow {
    fn new(
        shared: &Arc<Shared>,
        remote: &Arc<dyn Remote>,
        kind: &'static Kind,
        spec: &WaitSpec,
        sink: EventSink,
    ) -> Self {
        let (ended, told) = watch::channel(false);
        let mut readers = tokio::task::JoinSet::new();
        for id in &spec.ids {
            let (remote, parent, id) = (Arc::clone(remote), spec.parent.clone(), id.clone());
            let (sink, told) = (Arc::clone(&sink), told.clone());
            let metered = Metered::new(Arc::clone(shared), Arc::clone(&remote));
            readers.spawn(async move {
                if let Some(reader) = remote.follow(kind, parent.as_deref(), &id, sink, told, &metered) {
                    reader.await;
                }
            });
        }
        Self { ended, readers }
    }

    /// Reads until the wait is over, and then for the last lines.
    async fn beside(mut self, wait: impl Future<Output = End>) -> End {
        let end = wait.await;
        let _ = self.ended.send(true);
        let _ = timeout(LAST_LINES, async { while self.readers.join_next().await.is_some() {} }).await;
        end
    }
}
