//! One AWS call of a group: its budget, its time limit, what its failure teaches.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::budget::Bucket;
use super::group::Group;
use super::job::Job;
use super::kind::Api;
use super::metrics::CallEnd;
use super::random;
use crate::error::{AwsError, Class, Error, Result};

/// Less than this is no stretching.
const WORTH_TELLING: Duration = Duration::from_secs(1);

pub(crate) struct Caller<'a> {
    group: &'a Group,
    pub api: &'static Api,
    buckets: Vec<Arc<Bucket>>,
}

/// The right to make one call; given back if it is dropped.
pub(crate) struct Permit<'a> {
    buckets: &'a [Arc<Bucket>],
    taken: usize,
}

impl Permit<'_> {
    fn spend(mut self) {
        self.taken = 0;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        for bucket in &self.buckets[..self.taken] {
            bucket.put_back();
        }
    }
}

impl<'a> Caller<'a> {
    pub fn new(group: &'a Group, api: &'static Api) -> Self {
        let buckets = group.shared.budgets.of(&group.scope, api, &group.shared.options());
        Self { group, api, buckets }
    }

    /// Waits until the budgets allow a call that was due at `due`.
    pub async fn permit(&self, due: Instant) -> Permit<'_> {
        let mut permit = Permit { buckets: &self.buckets, taken: 0 };
        for bucket in &self.buckets {
            bucket.take(due).await;
            permit.taken += 1;
        }
        permit
    }

    /// Makes the call, within the time limit, and keeps the books.
    pub async fn call<T>(&self, permit: Permit<'_>, call: impl Future<Output = Result<T>>) -> Result<T> {
        permit.spend();
        let sent = Instant::now();
        let limit = self.group.shared.options().call_limit();
        let answer = timeout(limit, call).await.unwrap_or_else(|_| Err(self.too_slow(limit)));
        let end = match answer.as_ref().err().map(Error::class) {
            None => CallEnd::Answered,
            Some(Some(Class::Throttled)) => CallEnd::Throttled,
            Some(_) => CallEnd::Failed,
        };
        self.group.shared.counters.called(self.api, end);
        if end == CallEnd::Throttled {
            // AWS does not say whether it was the API's limit or the account's.
            for bucket in &self.buckets {
                bucket.throttled(sent);
            }
        }
        match &answer {
            Ok(_) => self.group.standing.answers(),
            Err(Error::Aws(e)) if e.refuses_credentials() => self.renew(sent, true).await,
            Err(e) if e.class() == Some(Class::Expired) => self.renew(sent, false).await,
            Err(_) => {}
        }
        answer
    }

    async fn renew(&self, sent: Instant, unknown: bool) {
        let Group { remote, standing, shared, .. } = self.group;
        if standing.renew(remote, sent, unknown, shared.options().call_limit()).await {
            shared.counters.refreshes.fetch_add(1, Relaxed);
        }
    }

    fn too_slow(&self, limit: Duration) -> Error {
        Error::Aws(AwsError {
            service: self.api.service.to_owned(),
            operation: self.api.name.to_owned(),
            code: "Timeout".to_owned(),
            message: format!("no reply within {} s", limit.as_secs_f64()),
            request_id: None,
            status: None,
            class: Class::Transient,
        })
    }

    /// The part of an interval after which this round's jobs are due again.
    pub fn scale(&self) -> f64 {
        1.0 - self.group.shared.options().jitter * random::unit()
    }

    /// Says when intervals get longer than asked for by `late`, since the call
    /// had to wait for its budget, and when that is over.
    pub fn stretch(&self, late: Duration, waited: Duration) {
        let delay = self.group.with(|jobs| jobs.first().map(Job::delay));
        let Some(delay) = delay.or_else(|| self.group.with(|jobs| jobs.jobs.values().map(|job| job.delay()).min()))
        else {
            return;
        };
        let now = delay + late;
        let counters = &self.group.shared.counters;
        let message = self.group.with(|jobs| match jobs.outlook.stretched {
            None if waited > WORTH_TELLING / 4 && late > (delay / 4).max(WORTH_TELLING) => {
                counters.stretched.fetch_add(1, Relaxed);
                jobs.outlook.stretched = Some(now);
                Some(self.stretched(delay, now))
            }
            Some(told) if now > told * 2 => {
                jobs.outlook.stretched = Some(now);
                Some(self.stretched(delay, now))
            }
            Some(_) if late < delay / 20 => {
                counters.stretched.fetch_sub(1, Relaxed);
                jobs.outlook.stretched = None;
                Some(format!("{} {}: polling every {} again", self.api.service, self.api.name, seconds(delay)))
            }
            _ => None,
        });
        if let Some(message) = message {
            self.group.notice(&message);
        }
    }

    fn stretched(&self, delay: Duration, now: Duration) -> String {
        let rate = self.buckets.iter().map(|bucket| bucket.rate()).fold(f64::INFINITY, f64::min);
        format!(
            "{} {}: polling about every {} instead of every {}, to stay within {rate:.2} calls a second",
            self.api.service,
            self.api.name,
            seconds(now),
            seconds(delay),
        )
    }
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}
