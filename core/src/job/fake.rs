//! A scripted AWS for tests: answers calls from a function and notes them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::Aws;
use crate::error::{AwsError, Class, Error, Result};

type Answer = Box<dyn Fn(&str, &Value) -> Result<Value> + Send + Sync>;

pub(crate) struct Fake {
    answer: Answer,
    pub calls: Mutex<Vec<(String, Value)>>,
    /// Text of S3 objects by `bucket/key`.
    pub objects: BTreeMap<String, String>,
}

impl Fake {
    pub fn new(answer: impl Fn(&str, &Value) -> Result<Value> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), calls: Mutex::default(), objects: BTreeMap::new() }
    }

    pub fn object(mut self, path: &str, text: &str) -> Self {
        self.objects.insert(path.to_owned(), text.to_owned());
        self
    }

    /// What the script answers, outside of any task.
    pub fn answer(&self, operation: &str, body: &Value) -> Result<Value> {
        (self.answer)(operation, body)
    }

    /// The bodies of the calls to one operation, in order.
    pub fn bodies(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, body)| body.clone()).collect()
    }
}

impl Aws for Fake {
    fn region(&self) -> Option<&str> {
        Some("eu-west-1")
    }

    async fn call(&self, _service: &str, operation: &str, body: &Value) -> Result<Value> {
        self.calls.lock().unwrap().push((operation.to_owned(), body.clone()));
        (self.answer)(operation, body)
    }

    async fn call_once(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        self.call(service, operation, body).await
    }

    async fn object_tail(&self, bucket: &str, key: &str, _max: usize) -> Result<String> {
        let text = self.objects.get(&format!("{bucket}/{key}"));
        text.cloned().ok_or_else(|| aws_error("NoSuchKey", Class::NotFound))
    }

    async fn object_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let bucket = format!("{bucket}/");
        let keys = self.objects.keys().filter_map(|path| path.strip_prefix(&bucket));
        Ok(keys.filter(|key| key.starts_with(prefix)).map(str::to_owned).collect())
    }

    async fn pause(&self, _time: Duration) {}
}

pub(crate) fn aws_error(code: &str, class: Class) -> Error {
    Error::Aws(AwsError {
        service: "test".to_owned(),
        operation: "Test".to_owned(),
        code: code.to_owned(),
        message: format!("{code} as scripted"),
        request_id: None,
        status: None,
        class,
    })
}

/// Runs a future of the tests to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
