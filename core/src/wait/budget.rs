//! Call budgets: a token bucket per (credentials and region, API), shared by all pollers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::kind::{Account, Api};
use super::lock;
use super::options::{Budget, Options};

/// Time in which a budget that was halved comes back in full.
const RECOVERY: f64 = 180.0;
/// A budget never falls below this part of itself.
const FLOOR: f64 = 1.0 / 16.0;

#[derive(Default)]
pub struct Budgets {
    buckets: Mutex<HashMap<(String, String), Arc<Bucket>>>,
}

impl Budgets {
    /// The buckets a call draws from, the narrower first.
    pub fn of(&self, scope: &str, api: &Api, options: &Options) -> Vec<Arc<Bucket>> {
        let own = (format!("{}:{}", api.service, api.name), Budget { burst: api.burst, refill: api.refill });
        let account = api
            .account
            .map(|Account { service, burst, refill }| (service.to_string(), Budget { burst: *burst, refill: *refill }));
        let mut buckets = lock(&self.buckets);
        [Some(own), account]
            .into_iter()
            .flatten()
            .map(|(name, default)| {
                let budget = options.budgets.get(&name).copied().unwrap_or(default);
                let key = (scope.to_owned(), name);
                if !buckets.contains_key(&key) {
                    // One that is full and that nobody holds is as good as new.
                    buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full());
                }
                Arc::clone(buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(budget))))
            })
            .collect()
    }

    /// Puts changed options in force for the buckets that exist.
    pub fn configure(&self, options: &Options) {
        for ((_, name), bucket) in lock(&self.buckets).iter() {
            if let Some(budget) = options.budgets.get(name) {
                lock(&bucket.state).budget = *budget;
            }
        }
    }
}

/// Who waits longest past its time is served first, so intervals stretch evenly.
type Queue = BinaryHeap<Reverse<Ticket>>;

pub struct Bucket {
    state: Mutex<BucketState>,
}

struct BucketState {
    budget: Budget,
    tokens: f64,
    at: Instant,
    /// Part of the budget in force, as of `at`.
    factor: f64,
    cut: Option<Instant>,
    queue: Queue,
    tickets: u64,
    /// A task hands out tokens as they come in.
    driven: bool,
}

struct Ticket {
    due: Instant,
    number: u64,
    grant: oneshot::Sender<()>,
}

impl Ticket {
    fn rank(&self) -> (Instant, u64) {
        (self.due, self.number)
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Ticket {}

impl PartialOrd for Ticket {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ticket {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Bucket {
    fn new(budget: Budget) -> Self {
        let state = BucketState {
            budget,
            tokens: budget.burst,
            at: Instant::now(),
            factor: 1.0,
            cut: None,
            queue: Queue::new(),
            tickets: 0,
            driven: false,
        };
        Self { state: Mutex::new(state) }
    }

    /// Takes a token, waiting for one if need be; `due` orders those who wait.
    pub async fn take(self: &Arc<Self>, due: Instant) {
        let granted = {
            let mut state = lock(&self.state);
            state.accrue();
            if state.tokens >= 1.0 && state.queue.is_empty() {
                state.tokens -= 1.0;
                return;
            }
            let (grant, granted) = oneshot::channel();
            state.tickets += 1;
            let number = state.tickets;
            state.queue.push(Reverse(Ticket { due, number, grant }));
            if !state.driven {
                state.driven = true;
                tokio::spawn(drive(Driver { bucket: Arc::clone(self), driving: true }));
            }
            granted
        };
        let mut claim = Claim { bucket: self, granted, over: false };
        // The driver only goes away with its runtime, and this task with it.
        let _ = (&mut claim.granted).await;
        claim.over = true;
    }

    /// Gives back a token that was not used, to who waits for one.
    pub fn put_back(&self) {
        let mut state = lock(&self.state);
        state.tokens += 1.0;
        state.serve();
    }

    /// AWS refused a call that was sent at `sent`: half the budget from now on.
    ///
    /// Calls sent before the last cut were sent under the old budget; their
    /// refusal says nothing about the new one.
    pub fn throttled(&self, sent: Instant) -> bool {
        let mut state = lock(&self.state);
        if state.cut.is_some_and(|cut| sent <= cut) {
            return false;
        }
        state.accrue();
        state.factor = (state.factor / 2.0).max(FLOOR);
        state.tokens = state.tokens.min(0.0);
        state.cut = Some(state.at);
        true
    }

    fn is_full(&self) -> bool {
        let mut state = lock(&self.state);
        state.accrue();
        state.factor >= 1.0 && state.tokens >= state.budget.burst
    }

    /// Calls a second that are allowed now.
    pub fn rate(&self) -> f64 {
        let mut state = lock(&self.state);
        state.accrue();
        state.rate()
    }
}

/// A token asked for. If its taker goes away just as it is granted, it goes back.
struct Claim<'a> {
    bucket: &'a Bucket,
    granted: oneshot::Receiver<()>,
    over: bool,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            self.bucket.put_back();
        }
    }
}

impl BucketState {
    fn accrue(&mut self) {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.factor = (self.factor + passed / RECOVERY).min(1.0);
        self.tokens = (self.tokens + passed * self.rate()).min((self.budget.burst * self.factor).max(1.0));
    }

    fn rate(&self) -> f64 {
        self.budget.refill * self.factor
    }

    /// Hands out what there is; the time until there is more, if anybody waits.
    fn serve(&mut self) -> Option<Duration> {
        self.accrue();
        loop {
            while self.queue.peek().is_some_and(|Reverse(ticket)| ticket.grant.is_closed()) {
                self.queue.pop();
            }
            self.queue.peek()?;
            if self.tokens < 1.0 {
                let wait = (1.0 - self.tokens) / self.rate();
                return Some(Duration::from_secs_f64(wait.clamp(0.001, 60.0)));
            }
            if let Some(Reverse(ticket)) = self.queue.pop()
                && ticket.grant.send(()).is_ok()
            {
                self.tokens -= 1.0;
            }
        }
    }
}

/// Lets the next ticket start another driver, however this one ended.
struct Driver {
    bucket: Arc<Bucket>,
    driving: bool,
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.driving {
            lock(&self.bucket.state).driven = false;
        }
    }
}

async fn drive(mut driver: Driver) {
    loop {
        let wait = {
            let mut state = lock(&driver.bucket.state);
            let wait = state.serve();
            if wait.is_none() {
                // Under the same lock as the look at the queue: nobody is missed.
                state.driven = false;
                driver.driving = false;
            }
            wait
        };
        match wait {
            Some(wait) => sleep(wait).await,
            None => return,
        }
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
