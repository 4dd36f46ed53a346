//! The calls of one group's poller, and how late they make its jobs.

use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::group::Group;
use super::job::Job;
use super::kind::Api;
use super::metered::Permit;
use super::random;
use crate::error::Result;

/// Less than this is no stretching.
const WORTH_TELLING: Duration = Duration::from_secs(1);

pub(crate) struct Caller<'a> {
    group: &'a Group,
    pub api: &'static Api,
}

impl<'a> Caller<'a> {
    pub fn new(group: &'a Group, api: &'static Api) -> Self {
        Self { group, api }
    }

    /// Waits until the budgets allow a call that was due at `due`.
    pub async fn permit(&self, due: Instant) -> Permit {
        self.group.metered.permit(self.api, due).await
    }

    pub async fn call<T>(&self, permit: Permit, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.group.metered.permitted(permit, call).await
    }

    /// The part of an interval after which this round's jobs are due again.
    pub fn scale(&self) -> f64 {
        1.0 - self.group.metered.shared.options().jitter * random::unit()
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
        let counters = &self.group.metered.shared.counters;
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
        let rate =
            self.group.metered.buckets(self.api).iter().map(|bucket| bucket.rate()).fold(f64::INFINITY, f64::min);
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
