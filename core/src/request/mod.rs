//! User requests: JSON bodies, checked, sent through typed operations.

mod classify;
pub mod raw;

use serde_json::Value;

use crate::error::{Error, RequestError};
use crate::Result;

pub use raw::Raw;

/// JSON text -> a request body; the error names the operation.
pub fn parse(operation: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| {
        Error::Request(RequestError {
            operation: operation.to_owned(),
            path: operation.to_owned(),
            message: format!("the request is not JSON: {e}"),
        })
    })
}

/// Checks the body and makes it ready to be sent.
pub fn prepare(_service: &str, operation: &str, body: &Value) -> Result<Raw> {
    if !body.is_object() {
        return Err(Error::Request(RequestError {
            operation: operation.to_owned(),
            path: operation.to_owned(),
            message: "the request must be a JSON object".to_owned(),
        }));
    }
    Ok(Raw::new(body))
}
