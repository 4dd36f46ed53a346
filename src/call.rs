//! Functions that need no session.

use mwaalib_core::wait::{self, Options};
use mwaalib_core::{Error, Result, request};
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::error;

/// JSON text -> a request body; the error names the operation.
pub fn body(py: Python<'_>, operation: &str, text: &str) -> PyResult<Value> {
    request::parse(operation, text).map_err(|e| error::raise(py, &e))
}

fn json<T: Serialize>(py: Python<'_>, value: Result<T>) -> PyResult<String> {
    let text = value.and_then(|value| serde_json::to_string(&value).map_err(|e| Error::internal(e.to_string())));
    text.map_err(|e| error::raise(py, &e))
}

/// Checks a request against its operation's shape, as a call would, and sends nothing.
#[pyfunction]
pub fn validate(py: Python<'_>, service: &str, operation: &str, body: &str) -> PyResult<()> {
    let body = self::body(py, operation, body)?;
    request::prepare(service, operation, &body).map(drop).map_err(|e| error::raise(py, &e))
}

/// All states of a kind of job, by what they mean.
#[pyfunction]
pub fn states(py: Python<'_>, kind: &str) -> PyResult<String> {
    json(py, wait::states(kind))
}

/// Sets the engine's options, for waits under way too.
#[pyfunction]
pub fn configure(py: Python<'_>, options: &str) -> PyResult<()> {
    Options::from_json(options).map(wait::configure).map_err(|e| error::raise(py, &e))
}

/// The engine's counters.
#[pyfunction]
pub fn metrics(py: Python<'_>) -> PyResult<String> {
    json(py, Ok(wait::metrics()))
}
