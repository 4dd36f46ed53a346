//! What jobs need of AWS, so that their logic can be tested against a scripted service.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use crate::error::Result;

pub(crate) trait Aws: Sync {
    fn region(&self) -> Option<&str>;

    /// Checks a request; what is let through of unknown members is for the caller's user.
    fn admit(&self, service: &str, operation: &str, body: &Value) -> Result<Option<String>> {
        crate::request::prepare(service, operation, body).map(|_| None)
    }

    /// A call that the SDK retries as the session's settings say.
    fn call(&self, service: &str, operation: &str, body: &Value) -> impl Future<Output = Result<Value>> + Send;

    /// A call that others are likely to make just now; its answer may be theirs.
    fn call_shared(&self, service: &str, operation: &str, body: &Value) -> impl Future<Output = Result<Value>> + Send {
        self.call(service, operation, body)
    }

    /// A call that is sent once: for a start whose lost reply must not become a second job.
    fn call_once(&self, service: &str, operation: &str, body: &Value) -> impl Future<Output = Result<Value>> + Send;

    /// The last `max` bytes of an object's text, unpacked when its key ends in `.gz`.
    fn object_tail(&self, bucket: &str, key: &str, max: usize) -> impl Future<Output = Result<String>> + Send;

    /// Up to 1000 keys under a prefix.
    fn object_keys(&self, bucket: &str, prefix: &str) -> impl Future<Output = Result<Vec<String>>> + Send;

    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;
}
