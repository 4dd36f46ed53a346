//! A session whose calls keep to the wait engine's budgets and are counted by it.

use std::time::Duration;

use serde_json::Value;

use crate::error::Result;
use crate::job::Aws;
use crate::session::Session;
use crate::wait::metered::Metered;

#[derive(Clone, Copy)]
pub(crate) struct MeteredSession<'a> {
    pub session: &'a Session,
    pub metered: &'a Metered,
}

impl MeteredSession<'_> {
    /// Calls without a budget are made at once.
    async fn meter<T>(&self, service: &str, operation: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        match super::api(service, operation) {
            Some(api) => self.metered.call(api, call).await,
            None => call.await,
        }
    }
}

impl Aws for MeteredSession<'_> {
    fn region(&self) -> Option<&str> {
        self.session.region()
    }

    async fn call(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        self.meter(service, operation, self.session.call(service, operation, body)).await
    }

    async fn call_once(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        self.meter(service, operation, self.session.call_once(service, operation, body)).await
    }

    async fn call_shared(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        let question = format!("{service}:{operation} {body}");
        self.metered.shared_answer(question, self.call(service, operation, body)).await
    }

    async fn object_tail(&self, bucket: &str, key: &str, max: usize) -> Result<String> {
        self.session.object_tail(bucket, key, max).await
    }

    async fn object_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        self.session.object_keys(bucket, prefix).await
    }

    async fn pause(&self, time: Duration) {
        self.session.pause(time).await;
    }
}
