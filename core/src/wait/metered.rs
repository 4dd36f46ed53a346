//! The calls of one session: within their budgets, within the time limit, counted.

use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::budget::Bucket;
use super::engine::Shared;
use super::kind::Api;
use super::lock;
use super::metrics::CallEnd;
use super::remote::Remote;
use super::standing::Standing;
use crate::error::{AwsError, Class, Error, Result};

/// Makes calls for a session.
pub struct Metered {
    pub(crate) shared: Arc<Shared>,
    pub(crate) remote: Arc<dyn Remote>,
    pub(crate) standing: Arc<Standing>,
    scope: Arc<str>,
    /// A permit that is there already, for the first call.
    first: Mutex<Option<Permit>>,
}

/// The right to make one call; given back if it is dropped.
pub(crate) struct Permit {
    pub api: &'static Api,
    buckets: Vec<Arc<Bucket>>,
    taken: usize,
}

impl Permit {
    fn spend(mut self) -> Vec<Arc<Bucket>> {
        self.taken = 0;
        std::mem::take(&mut self.buckets)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        for bucket in &self.buckets[..self.taken] {
            bucket.put_back();
        }
    }
}

impl Metered {
    pub(crate) fn new(shared: Arc<Shared>, remote: Arc<dyn Remote>) -> Self {
        let (standing, scope) = (shared.standing(remote.key()), remote.scope().into());
        Self { shared, remote, standing, scope, first: Mutex::default() }
    }

    /// The same, with a permit in hand for the first call.
    pub(crate) fn beginning_with(&self, permit: Permit) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            remote: Arc::clone(&self.remote),
            standing: Arc::clone(&self.standing),
            scope: Arc::clone(&self.scope),
            first: Mutex::new(Some(permit)),
        }
    }

    /// The budgets of a call, the narrower first.
    pub(crate) fn buckets(&self, api: &Api) -> Vec<Arc<Bucket>> {
        self.shared.budgets.of(&self.scope, api, &self.shared.options())
    }

    /// Waits until the budgets allow a call that was due at `due`.
    pub(crate) async fn permit(&self, api: &'static Api, due: Instant) -> Permit {
        let mut permit = Permit { api, buckets: self.buckets(api), taken: 0 };
        while let Some(bucket) = permit.buckets.get(permit.taken) {
            bucket.take(due).await;
            permit.taken += 1;
        }
        permit
    }

    /// Makes a call as soon as its budgets allow.
    ///
    /// # Errors
    /// Those of the call, and a time-out when it takes longer than the options allow.
    pub async fn call<T>(&self, api: &'static Api, call: impl Future<Output = Result<T>>) -> Result<T> {
        let first = lock(&self.first).take_if(|permit| std::ptr::eq(permit.api, api));
        let permit = match first {
            Some(permit) => permit,
            None => self.permit(api, Instant::now()).await,
        };
        self.permitted(permit, call).await
    }

    /// Makes the call, within the time limit, and keeps the books.
    pub(crate) async fn permitted<T>(&self, permit: Permit, call: impl Future<Output = Result<T>>) -> Result<T> {
        let api = permit.api;
        let buckets = permit.spend();
        let sent = Instant::now();
        let limit = self.shared.options().call_limit();
        let answer = timeout(limit, call).await.unwrap_or_else(|_| Err(too_slow(api, limit)));
        let end = match answer.as_ref().err().map(Error::class) {
            None => CallEnd::Answered,
            Some(Some(Class::Throttled)) => CallEnd::Throttled,
            Some(_) => CallEnd::Failed,
        };
        self.shared.counters.called(api, end);
        if end == CallEnd::Throttled {
            // AWS does not say whether it was the API's limit or the account's.
            for bucket in &buckets {
                bucket.throttled(sent);
            }
        }
        match &answer {
            Ok(_) => self.standing.answers(),
            Err(Error::Aws(e)) if e.refuses_credentials() => self.renew(sent, true).await,
            Err(e) if e.class() == Some(Class::Expired) => self.renew(sent, false).await,
            Err(_) => {}
        }
        answer
    }

    /// The answer to a question that other waits may have asked just now.
    pub(crate) async fn shared_answer(
        &self,
        question: String,
        ask: impl Future<Output = Result<Value>>,
    ) -> Result<Value> {
        self.shared.answers.get(self.remote.key(), question, ask).await
    }

    async fn renew(&self, sent: Instant, unknown: bool) {
        if self.standing.renew(&self.remote, sent, unknown, self.shared.options().call_limit()).await {
            self.shared.counters.refreshes.fetch_add(1, Relaxed);
        }
    }
}

fn too_slow(api: &Api, limit: Duration) -> Error {
    Error::Aws(AwsError {
        service: api.service.to_owned(),
        operation: api.name.to_owned(),
        code: "Timeout".to_owned(),
        message: format!("no reply within {} s", limit.as_secs_f64()),
        request_id: None,
        status: None,
        class: Class::Transient,
    })
}
