//! Functions that need no session.

use mwaalib_core::request;
use pyo3::prelude::*;
use serde_json::Value;

use crate::error;

/// JSON text -> a request body; the error names the operation.
pub fn body(py: Python<'_>, operation: &str, text: &str) -> PyResult<Value> {
    request::parse(operation, text).map_err(|e| error::raise(py, &e))
}

/// Checks a request against its operation's shape, as a call would, and sends nothing.
#[pyfunction]
pub fn validate(py: Python<'_>, service: &str, operation: &str, body: &str) -> PyResult<()> {
    let body = self::body(py, operation, body)?;
    request::prepare(service, operation, &body).map(drop).map_err(|e| error::raise(py, &e))
}
