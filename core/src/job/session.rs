//! A session is the AWS of the jobs that are started through it.

use std::time::Duration;

use serde_json::Value;

use super::Aws;
use crate::error::Result;
use crate::service::s3;
use crate::session::Session;

impl Aws for Session {
    fn region(&self) -> Option<&str> {
        Session::region(self)
    }

    fn admit(&self, service: &str, operation: &str, body: &Value) -> Result<Option<String>> {
        Session::admit(self, service, operation, body).map(|(_, told)| told)
    }

    async fn call(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        Session::call(self, service, operation, body).await
    }

    async fn call_once(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        Session::call_once(self, service, operation, body).await
    }

    async fn object_tail(&self, bucket: &str, key: &str, max: usize) -> Result<String> {
        s3::object_tail(self, bucket, key, max).await
    }

    async fn object_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        s3::object_keys(self, bucket, prefix).await
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
