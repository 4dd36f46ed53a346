//! A job that is waited for, and those who wait for it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::kind::State;
use super::lock;
use super::remote::Part;
use super::spec::{EventSink, Goal, JobResult};
use crate::error::Error;

/// One wait, as the groups that serve it see it.
pub(crate) struct Waiter {
    pub goal: Goal,
    pub delay: Duration,
    pub deadline: Option<Instant>,
    /// The deadline had passed when the wait began: one look is left.
    pub last_look: bool,
    pub sink: Option<EventSink>,
    /// How many of its jobs have long been out of reach.
    out_of_reach: AtomicUsize,
    progress: Mutex<Progress>,
}

struct Progress {
    left: usize,
    results: Vec<Vec<JobResult>>,
    end: Option<oneshot::Sender<End>>,
}

/// How a wait ended.
pub(crate) enum End {
    Done(Vec<JobResult>),
    Failed {
        id: Arc<str>,
        state: State,
        detail: Value,
    },
    /// The deadline had passed and the one look found the job pending.
    TooLate,
    Error(Error),
}

impl Waiter {
    pub fn new(
        goal: Goal,
        delay: Duration,
        deadline: Option<Instant>,
        last_look: bool,
        sink: Option<EventSink>,
        jobs: usize,
    ) -> (Arc<Self>, oneshot::Receiver<End>) {
        let (end, ended) = oneshot::channel();
        let progress = Mutex::new(Progress { left: jobs, results: vec![Vec::new(); jobs], end: Some(end) });
        let out_of_reach = AtomicUsize::new(0);
        (Arc::new(Self { goal, delay, deadline, last_look, sink, out_of_reach, progress }), ended)
    }

    /// One job reached what was waited for.
    pub fn succeed(&self, slot: usize, id: &str, state: &str, detail: Value, parts: &[Part]) {
        let mut progress = lock(&self.progress);
        let Some(place) = progress.results.get_mut(slot).filter(|place| place.is_empty()) else { return };
        if parts.is_empty() {
            place.push(JobResult { id: id.to_owned(), state: state.to_owned(), detail });
        } else {
            place.extend(parts.iter().map(|part| JobResult {
                id: part.id.clone(),
                state: part.state.clone(),
                detail: part.detail.clone(),
            }));
        }
        progress.left -= 1;
        if progress.left == 0 {
            let results = std::mem::take(&mut progress.results).into_iter().flatten().collect();
            progress.send(End::Done(results));
        }
    }

    pub fn end(&self, end: End) {
        lock(&self.progress).send(end);
    }
}

impl Progress {
    fn send(&mut self, end: End) {
        if let Some(sender) = self.end.take() {
            // Nobody listens any more: the wait was dropped meanwhile.
            let _ = sender.send(end);
        }
    }
}

/// One wait's part in a job.
pub(crate) struct Attach {
    pub waiter: Arc<Waiter>,
    pub slot: usize,
    pub since: Instant,
    /// The state last told to this wait.
    pub state: Option<State>,
    pub out_of_reach: bool,
}

impl Attach {
    /// The job is, or is no more, long out of reach; whether that is news for the wait as a whole.
    pub fn out_of_reach(&mut self, now: bool) -> bool {
        if std::mem::replace(&mut self.out_of_reach, now) == now {
            return false;
        }
        let jobs = &self.waiter.out_of_reach;
        if now { jobs.fetch_add(1, Relaxed) == 0 } else { jobs.fetch_sub(1, Relaxed) == 1 }
    }
}

pub(crate) struct Job {
    pub id: Arc<str>,
    pub attached: Vec<Attach>,
    /// When the next call for it should be made; it is in the due index unless in flight.
    pub due: Instant,
    pub in_flight: bool,
    /// The next call must be the single one: the list did not or cannot tell.
    pub solo: bool,
    /// Calls that failed in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing: Option<Instant>,
    /// AWS did not know the credentials, and new ones were asked for.
    pub renewed: bool,
    pub seen: Option<Instant>,
    /// Unix seconds.
    pub created: Option<f64>,
    pub error: Option<Error>,
}

impl Job {
    pub fn new(id: Arc<str>, due: Instant) -> Self {
        Self {
            id,
            attached: Vec::with_capacity(1),
            due,
            in_flight: false,
            solo: false,
            failures: 0,
            failing: None,
            renewed: false,
            seen: None,
            created: None,
            error: None,
        }
    }

    /// The shortest interval that was asked for.
    pub fn delay(&self) -> Duration {
        self.attached.iter().map(|attach| attach.waiter.delay).min().unwrap_or(Duration::from_secs(30))
    }

    /// When to look again after a look at `now`: an interval later, or just
    /// before a deadline, so that a job which ends in time is not missed.
    pub fn next(&self, now: Instant, scale: f64) -> Instant {
        let due = now + self.delay().mul_f64(scale);
        self.attached
            .iter()
            .filter_map(|attach| {
                let margin = (attach.waiter.delay / 4).min(Duration::from_secs(1));
                attach.waiter.deadline?.checked_sub(margin).filter(|at| *at > now)
            })
            .fold(due, Instant::min)
    }

    /// When to try again after `failures` failures: doubling, up to a poll interval.
    pub fn retry(&self, now: Instant, random: f64) -> Instant {
        let delay = self.delay();
        let base = delay.clamp(Duration::from_millis(50), Duration::from_secs(1));
        let pause = base.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(delay);
        now + pause.mul_f64(0.5 + random / 2.0)
    }
}
