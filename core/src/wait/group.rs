//! The jobs of one (session, kind, parent): what one poller serves.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::job::{Attach, Job, Waiter};
use super::kind::{ALL, Kind, List};
use super::lock;
use super::metered::Metered;
use super::plan::Outlook;
use super::random;
use super::spec::{Event, EventSink};
use crate::error::Error;

/// Waits that begin within this time of each other share their first call.
pub(crate) const GATHER: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub remote: u64,
    pub kind: &'static str,
    pub parent: Option<String>,
}

pub(crate) struct Group {
    pub key: GroupKey,
    pub kind: &'static Kind,
    pub metered: Metered,
    /// Something changed that the poller should look at.
    pub wake: Notify,
    inner: Mutex<Jobs>,
}

#[derive(Default)]
pub(crate) struct Jobs {
    pub jobs: HashMap<u64, Job>,
    by_id: HashMap<Arc<str>, u64>,
    /// Jobs not in flight, by when they are due: those that only the single call tells of, and the others.
    solo: BTreeSet<(Instant, u64)>,
    joint: BTreeSet<(Instant, u64)>,
    next: u64,
    /// When the last call for several jobs began.
    pub swept: Option<Instant>,
    pub outlook: Outlook,
    /// The group has been taken out of the engine; nobody may join it.
    pub closed: bool,
}

impl Group {
    pub fn new(key: GroupKey, kind: &'static Kind, metered: Metered) -> Self {
        Self { key, kind, metered, wake: Notify::new(), inner: Mutex::default() }
    }

    pub fn parent(&self) -> Option<&str> {
        self.key.parent.as_deref()
    }

    pub fn list(&self) -> Option<&'static List> {
        self.kind.list_for(self.parent())
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut Jobs) -> T) -> T {
        act(&mut lock(&self.inner))
    }

    /// Adds a wait for one id; false if the group has closed meanwhile.
    pub fn attach(&self, id: &str, waiter: &Arc<Waiter>, slot: usize) -> bool {
        let added = self.with(|jobs| jobs.attach(id, waiter, slot));
        if added {
            self.wake.notify_one();
        }
        added
    }

    /// Takes a wait away from one id.
    pub fn detach(&self, id: &str, waiter: &Arc<Waiter>) {
        if self.with(|jobs| jobs.detach(id, waiter)) {
            self.wake.notify_one();
        }
    }

    /// Tells all waits of the group something about the waiting.
    pub fn notice(&self, message: &str) {
        let sinks: Vec<EventSink> = self.with(|jobs| {
            let mut seen = std::collections::HashSet::new();
            let attached = jobs.jobs.values().flat_map(|job| &job.attached);
            let fresh = attached.filter(|attach| seen.insert(Arc::as_ptr(&attach.waiter)));
            fresh.filter_map(|attach| attach.waiter.sink.clone()).collect()
        });
        for sink in sinks {
            sink(Event::Notice { message: message.to_owned() });
        }
    }
}

impl Jobs {
    fn attach(&mut self, id: &str, waiter: &Arc<Waiter>, slot: usize) -> bool {
        if self.closed {
            return false;
        }
        let now = Instant::now();
        let attach = Attach { waiter: Arc::clone(waiter), slot, since: now, state: None, out_of_reach: false };
        let soon = self.first_look(now, waiter.delay);
        if let Some(key) = self.by_id.get(id).copied() {
            if let Some(job) = self.jobs.get_mut(&key) {
                job.attached.push(attach);
            }
            // A call in flight was perhaps answered before this wait began.
            self.advance(key, soon);
            return true;
        }
        let id: Arc<str> = id.into();
        let mut job = Job::new(Arc::clone(&id), soon);
        job.solo = &*id == ALL;
        job.attached.push(attach);
        self.next += 1;
        self.jobs.insert(self.next, job);
        self.by_id.insert(id, self.next);
        self.reschedule(self.next, soon);
        true
    }

    /// Soon, but late enough to share a call with those who come with it.
    fn first_look(&self, now: Instant, delay: Duration) -> Instant {
        let most = now + GATHER * 2;
        // Who comes first waits for the others.
        let soon = match self.joint.first().map(|(at, _)| *at) {
            Some(first) if now < first && first <= most => first,
            _ => now + GATHER.mul_f64(1.0 + random::unit()),
        };
        let gap = (delay / 20).clamp(GATHER, Duration::from_secs(1));
        self.swept.map_or(soon, |swept| soon.max(swept + gap))
    }

    /// Whether nothing is left to do for the job, or for the whole group.
    fn detach(&mut self, id: &str, waiter: &Arc<Waiter>) -> bool {
        let Some(key) = self.by_id.get(id).copied() else { return false };
        let Some(job) = self.jobs.get_mut(&key) else { return false };
        job.attached.retain(|attach| !Arc::ptr_eq(&attach.waiter, waiter));
        if job.attached.is_empty() {
            self.remove(key);
        }
        self.jobs.is_empty()
    }

    pub fn remove(&mut self, key: u64) {
        if let Some(job) = self.jobs.remove(&key) {
            self.by_id.remove(&job.id);
            self.unqueue(job.due, key);
        }
    }

    fn unqueue(&mut self, due: Instant, key: u64) {
        let _ = self.joint.remove(&(due, key)) || self.solo.remove(&(due, key));
    }

    pub fn find(&self, id: &str) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    /// For a wait that has not ended: the state it was last told, and the last
    /// failure to learn it.
    pub fn status(&self, id: &str, waiter: &Arc<Waiter>) -> Option<(Option<String>, Option<Error>)> {
        let job = self.jobs.get(&self.find(id)?)?;
        let attach = job.attached.iter().find(|attach| Arc::ptr_eq(&attach.waiter, waiter))?;
        Some((attach.state.as_deref().map(str::to_owned), job.error.clone()))
    }

    /// Makes a job due at `at`, and free for the next call.
    pub fn reschedule(&mut self, key: u64, at: Instant) {
        let Some(job) = self.jobs.get_mut(&key) else { return };
        let (before, solo) = (std::mem::replace(&mut job.due, at), job.solo);
        job.in_flight = false;
        // Its mode may have changed as well.
        self.unqueue(before, key);
        if solo { &mut self.solo } else { &mut self.joint }.insert((at, key));
    }

    /// Makes a job due at `at` if that is sooner. One in flight is left to its call.
    fn advance(&mut self, key: u64, at: Instant) {
        if self.jobs.get(&key).is_some_and(|job| !job.in_flight && job.due > at) {
            self.reschedule(key, at);
        }
    }

    /// Takes a job for a call.
    pub fn take(&mut self, key: u64) -> Option<Arc<str>> {
        let job = self.jobs.get_mut(&key)?;
        job.in_flight = true;
        let (due, id) = (job.due, Arc::clone(&job.id));
        self.unqueue(due, key);
        Some(id)
    }

    /// Free jobs that a list may tell of, soonest due first.
    pub fn joint(&self) -> impl Iterator<Item = (u64, &Job)> {
        self.named(&self.joint)
    }

    /// Free jobs that only the single call tells of, soonest due first.
    pub fn solo(&self) -> impl Iterator<Item = (u64, &Job)> {
        self.named(&self.solo)
    }

    fn named<'a>(&'a self, queue: &'a BTreeSet<(Instant, u64)>) -> impl Iterator<Item = (u64, &'a Job)> {
        queue.iter().filter_map(|(_, key)| self.jobs.get(key).map(|job| (*key, job)))
    }

    /// The free job that is due first.
    pub fn first(&self) -> Option<&Job> {
        let firsts = [self.solo.first(), self.joint.first()].into_iter().flatten();
        firsts.min().and_then(|(_, key)| self.jobs.get(key))
    }

    pub fn joint_len(&self) -> usize {
        self.joint.len()
    }

    /// When the next job becomes due after `now`.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let later = (Bound::Excluded((now, u64::MAX)), Bound::Unbounded);
        let nexts = [&self.solo, &self.joint].into_iter().filter_map(|queue| queue.range(later).next());
        nexts.map(|(at, _)| *at).min()
    }
}
