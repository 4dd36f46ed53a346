//! What an answer, or a failure to get one, means for a job and its waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::group::{Group, Jobs};
use super::job::{Attach, End, Job, Waiter};
use super::kind::{Kind, State};
use super::options::Options;
use super::random;
use super::remote::Seen;
use super::spec::{Event, EventSink, Verdict};
use crate::error::{AwsError, Class, Error};

/// Failures in a row for so long are told.
const LONG: Duration = Duration::from_secs(60);

/// So many failures in a row do not cost a job its place among those that wait for budget.
const KEEP_PLACE: u32 = 3;

/// What to tell, once the group's lock is free.
pub(crate) enum Effect {
    Event(EventSink, Event),
    Success { waiter: Arc<Waiter>, slot: usize, id: Arc<str>, state: State, seen: Arc<Seen> },
    End(Arc<Waiter>, End),
}

impl Effect {
    fn perform(self) {
        match self {
            Self::Event(sink, event) => sink(event),
            Self::Success { waiter, slot, id, state, seen } => {
                waiter.succeed(slot, &id, &state, seen.detail.clone().unwrap_or(Value::Null), &seen.parts);
            }
            Self::End(waiter, end) => waiter.end(end),
        }
    }
}

/// Finds a job's description by its id.
pub(crate) type Find<'a> = dyn FnMut(&str) -> Option<Value> + 'a;

/// Where an answer came from, and when it was asked for.
pub(crate) struct Round<'a> {
    /// Finds a job's description in the list's reply; `None` if the list has none.
    pub detail: Option<&'a mut Find<'a>>,
    /// The single call answered: nothing tells more.
    pub single: bool,
    pub now: Instant,
    /// Of an interval, until the next look. One for a round keeps jobs in step.
    pub scale: f64,
}

/// A call that failed.
pub(crate) struct Failure<'a> {
    pub error: &'a Error,
    /// It asked for one job alone.
    pub single: bool,
    /// In 0..1, for the time of the next try: one for all jobs of the call, so that they stay together.
    pub random: f64,
    pub options: &'a Options,
    /// AWS has answered this session before.
    pub answered: bool,
}

impl<'a> Failure<'a> {
    pub fn new(error: &'a Error, single: bool, options: &'a Options, answered: bool) -> Self {
        Self { error, single, random: random::unit(), options, answered }
    }
}

impl Group {
    /// Applies what one call told, then tells the waits.
    pub fn apply(&self, act: impl FnOnce(&mut Jobs, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        self.with(|jobs| act(jobs, &mut effects));
        for effect in effects {
            effect.perform();
        }
        self.wake.notify_one();
    }
}

impl Jobs {
    /// A job was seen.
    pub fn seen(
        &mut self,
        kind: &'static Kind,
        id: &str,
        mut seen: Seen,
        round: &mut Round<'_>,
        out: &mut Vec<Effect>,
    ) {
        let Some(key) = self.find(id) else { return };
        let Some(job) = self.jobs.get_mut(&key) else { return };
        job.seen = Some(round.now);
        job.created = seen.created.or(job.created);
        job.failures = 0;
        tell_reach(kind, job, round.now, None, out);
        job.renewed = false;
        job.error = None;
        job.solo = id == super::kind::ALL;

        let ends = job
            .attached
            .iter()
            .any(|attach| attach.waiter.goal.judge(kind, attach.waiter.goal.effective(&seen)) != Verdict::Pending);
        if ends && seen.detail.is_none() {
            if let Some(find) = &mut round.detail {
                seen.detail = find(id);
            }
            // What the list does not describe, the single call does.
            if seen.detail.is_none() && !round.single {
                tell_states(kind, job, &seen, out);
                job.solo = true;
                let due = job.due;
                self.reschedule(key, due.min(round.now));
                return;
            }
        }
        tell_states(kind, job, &seen, out);
        let seen = Arc::new(seen);
        let id = Arc::clone(&job.id);
        job.attached.retain(|attach| conclude(kind, &id, attach, &seen, out));
        if job.attached.is_empty() {
            self.remove(key);
        } else {
            let next = job.next(round.now, round.scale);
            self.reschedule(key, next);
        }
    }

    /// No call told of these jobs: they are as due as before.
    pub fn ask_again(&mut self, keys: impl IntoIterator<Item = u64>) {
        for key in keys {
            if let Some(due) = self.jobs.get(&key).map(|job| job.due) {
                self.reschedule(key, due);
            }
        }
    }

    /// No list told of these jobs: ask for each by itself, in its turn.
    pub fn ask_singly(&mut self, keys: impl IntoIterator<Item = u64>) {
        for key in keys {
            if let Some(job) = self.jobs.get_mut(&key) {
                job.solo = true;
                let due = job.due;
                self.reschedule(key, due);
            }
        }
    }

    /// A call for this job failed.
    pub fn failed(&mut self, kind: &'static Kind, key: u64, failure: &Failure<'_>, out: &mut Vec<Effect>) {
        let Failure { error, single, random, options, answered } = *failure;
        let now = Instant::now();
        let Some(job) = self.jobs.get_mut(&key) else { return };
        job.failures += 1;
        job.error = Some(error.clone());
        let lasting = match error {
            // The chain that worked a while ago is down, but will be back.
            Error::Credentials { transient, .. } => !transient && !answered,
            Error::Aws(e) if e.refuses_credentials() => std::mem::replace(&mut job.renewed, true),
            Error::Aws(e) => match e.class {
                Class::Transient | Class::Throttled | Class::Expired => false,
                Class::NotFound if single => {
                    let unknown_since = job.seen;
                    let id = Arc::clone(&job.id);
                    job.attached.retain(|attach| {
                        let patience = unknown_since.unwrap_or(attach.since).max(attach.since) + options.grace();
                        let keep = now < patience;
                        if !keep {
                            out.push(Effect::End(
                                Arc::clone(&attach.waiter),
                                End::Error(not_found(kind, &id, e, options)),
                            ));
                        }
                        keep
                    });
                    false
                }
                Class::NotFound | Class::AccessDenied | Class::Permanent => single,
            },
            _ => true,
        };
        if lasting {
            let id = Arc::clone(&job.id);
            for attach in job.attached.drain(..) {
                out.push(Effect::End(attach.waiter, End::Error(naming(kind, &id, error))));
            }
        }
        if job.attached.is_empty() {
            self.remove(key);
            return;
        }
        // The list that fails for a reason which lasts may hide one bad id.
        let about_list = match error {
            Error::Aws(e) if e.refuses_credentials() => false,
            _ => matches!(error.class(), Some(Class::NotFound | Class::AccessDenied | Class::Permanent)),
        };
        if about_list && !single {
            job.solo = true;
            job.failures = 0;
            job.failing = None;
            let due = job.due;
            self.reschedule(key, due);
            return;
        }
        tell_reach(kind, job, now, Some(error), out);
        let mut retry = job.retry(now, random);
        if error.class() == Some(Class::NotFound) {
            // Look once just when the grace is over.
            let start = job.attached.iter().map(|attach| attach.since).min().unwrap_or(now);
            let over = job.seen.unwrap_or(start).max(start) + options.grace() + Duration::from_millis(1);
            retry = if over > now { retry.min(over) } else { retry };
        }
        if job.failures <= KEEP_PLACE && now.saturating_duration_since(job.due) > retry.saturating_duration_since(now) {
            // It has waited longer than that for its turn, which it would lose.
            let due = job.due;
            self.reschedule(key, due);
            return;
        }
        let next = job.next(now, 1.0);
        self.reschedule(key, retry.min(next.max(now + Duration::from_millis(50))));
    }
}

/// Tells the waits when a job has been out of reach for long, and when it no more is.
fn tell_reach(kind: &'static Kind, job: &mut Job, now: Instant, error: Option<&Error>, out: &mut Vec<Effect>) {
    let since = match error {
        Some(_) => *job.failing.get_or_insert(now),
        None => job.failing.take().unwrap_or(now),
    };
    let passed = now.saturating_duration_since(since);
    if error.is_some() && passed < LONG {
        return;
    }
    for attach in &mut job.attached {
        if !attach.out_of_reach(error.is_some()) {
            continue;
        }
        let Some(sink) = &attach.waiter.sink else { continue };
        let (name, id, seconds) = (kind.name, &job.id, passed.as_secs());
        let message = match error {
            Some(error) => format!("{name} {id} could not be looked at for {seconds} s, and is still tried: {error}"),
            None => format!("{name} {id} can be looked at again after {seconds} s"),
        };
        out.push(Effect::Event(Arc::clone(sink), Event::Notice { message }));
    }
}

fn tell_states(kind: &'static Kind, job: &mut Job, seen: &Seen, out: &mut Vec<Effect>) {
    let id = Arc::clone(&job.id);
    for attach in &mut job.attached {
        let state = attach.waiter.goal.effective(seen);
        if attach.state.as_ref() == Some(state) {
            continue;
        }
        let state = kind.states.intern(state);
        let previous = attach.state.replace(state.clone());
        if let Some(sink) = &attach.waiter.sink {
            let event = Event::State {
                kind: kind.name.to_owned(),
                id: id.to_string(),
                state: state.into_owned(),
                previous: previous.map(State::into_owned),
            };
            out.push(Effect::Event(Arc::clone(sink), event));
        }
    }
}

/// Ends a wait whose job has come to an end; whether the wait goes on.
fn conclude(kind: &'static Kind, id: &Arc<str>, attach: &Attach, seen: &Arc<Seen>, out: &mut Vec<Effect>) -> bool {
    let waiter = Arc::clone(&attach.waiter);
    let state = kind.states.intern(waiter.goal.effective(seen));
    match waiter.goal.judge(kind, &state) {
        Verdict::Pending if waiter.last_look => out.push(Effect::End(waiter, End::TooLate)),
        Verdict::Pending => return true,
        Verdict::Success => {
            let (slot, id, seen) = (attach.slot, Arc::clone(id), Arc::clone(seen));
            out.push(Effect::Success { waiter, slot, id, state, seen });
        }
        Verdict::Failure => {
            let detail = seen.detail.clone().unwrap_or(Value::Null);
            out.push(Effect::End(waiter, End::Failed { id: Arc::clone(id), state, detail }));
        }
        Verdict::Unknown => {
            let error =
                Error::UnknownState { kind: kind.name.to_owned(), id: id.to_string(), state: state.into_owned() };
            out.push(Effect::End(waiter, End::Error(error)));
        }
    }
    // A wait that ended over one job has nothing to hear of the others, but
    // leaves them itself.
    false
}

fn not_found(kind: &Kind, id: &str, error: &AwsError, options: &Options) -> Error {
    let message = format!("{} {id} was not found within {} s: {}", kind.name, options.not_found_grace, error.message);
    Error::Aws(AwsError { message, ..error.clone() })
}

/// The error with the job's id, which AWS's message often lacks.
fn naming(kind: &Kind, id: &str, error: &Error) -> Error {
    match error {
        Error::Aws(e) if !e.message.contains(id) => {
            Error::Aws(AwsError { message: format!("{} (waiting for {} {id})", e.message, kind.name), ..e.clone() })
        }
        _ => error.clone(),
    }
}
