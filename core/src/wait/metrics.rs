//! Counters of the engine.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;

use super::kind::Api;
use super::lock;

#[derive(Default)]
pub struct Counters {
    pub(crate) waits_active: AtomicI64,
    pub(crate) waits_started: AtomicU64,
    pub(crate) waits_succeeded: AtomicU64,
    pub(crate) waits_failed: AtomicU64,
    pub(crate) waits_timed_out: AtomicU64,
    pub(crate) waits_dropped: AtomicU64,
    pub(crate) pollers: AtomicI64,
    pub(crate) fallbacks: AtomicU64,
    pub(crate) stretched: AtomicI64,
    pub(crate) refreshes: AtomicU64,
    polls: Mutex<Polls>,
}

#[derive(Default)]
struct Polls {
    calls: BTreeMap<(&'static str, &'static str), Calls>,
    /// Those that told states.
    answers: u64,
    lag: Lag,
}

/// Calls of one API.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Calls {
    pub calls: u64,
    pub throttled: u64,
    pub failed: u64,
    /// Jobs that the calls told the state of.
    pub answered: u64,
}

/// By how much polls were late, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Lag {
    pub polls: u64,
    pub sum: f64,
    pub max: f64,
}

/// The counters at one moment. Everything but `*_active`, `pollers` and
/// `stretched` only grows.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    pub waits_active: i64,
    pub waits_started: u64,
    pub waits_succeeded: u64,
    pub waits_failed: u64,
    pub waits_timed_out: u64,
    /// Cancelled by their callers.
    pub waits_dropped: u64,
    /// Groups of waits that are being polled.
    pub pollers: i64,
    /// Times that a list call gave way to single calls.
    pub fallbacks: u64,
    /// Groups whose interval is longer than asked for, to stay within a budget.
    pub stretched: i64,
    /// Credentials renewed because AWS called them expired.
    pub refreshes: u64,
    pub calls: u64,
    pub throttles: u64,
    /// Jobs answered by a call that tells states, on average.
    pub batch_size: f64,
    /// By `service:API`.
    pub apis: BTreeMap<String, Calls>,
    pub poll_lag: Lag,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Answered,
    Throttled,
    Failed,
}

impl Counters {
    pub(crate) fn called(&self, api: &Api, end: CallEnd) {
        let mut polls = lock(&self.polls);
        let calls = polls.calls.entry((api.service, api.name)).or_default();
        calls.calls += 1;
        calls.throttled += u64::from(end == CallEnd::Throttled);
        calls.failed += u64::from(end == CallEnd::Failed);
    }

    pub(crate) fn answered(&self, api: &Api, jobs: usize) {
        let mut polls = lock(&self.polls);
        polls.answers += 1;
        polls.calls.entry((api.service, api.name)).or_default().answered += jobs as u64;
    }

    pub(crate) fn late(&self, by: Duration) {
        let lag = &mut lock(&self.polls).lag;
        let by = by.as_secs_f64();
        lag.polls += 1;
        lag.sum += by;
        lag.max = lag.max.max(by);
    }

    pub fn snapshot(&self) -> Snapshot {
        let (apis, answers, poll_lag): (BTreeMap<String, Calls>, u64, Lag) = {
            let polls = lock(&self.polls);
            let apis = polls.calls.iter().map(|((service, name), calls)| (format!("{service}:{name}"), *calls));
            (apis.collect(), polls.answers, polls.lag)
        };
        let total = |of: fn(&Calls) -> u64| apis.values().map(of).sum::<u64>();
        Snapshot {
            waits_active: self.waits_active.load(Relaxed),
            waits_started: self.waits_started.load(Relaxed),
            waits_succeeded: self.waits_succeeded.load(Relaxed),
            waits_failed: self.waits_failed.load(Relaxed),
            waits_timed_out: self.waits_timed_out.load(Relaxed),
            waits_dropped: self.waits_dropped.load(Relaxed),
            pollers: self.pollers.load(Relaxed),
            fallbacks: self.fallbacks.load(Relaxed),
            stretched: self.stretched.load(Relaxed),
            refreshes: self.refreshes.load(Relaxed),
            calls: total(|c| c.calls),
            throttles: total(|c| c.throttled),
            batch_size: total(|c| c.answered) as f64 / answers.max(1) as f64,
            apis,
            poll_lag,
        }
    }
}
