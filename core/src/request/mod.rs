//! User requests: JSON bodies, checked, sent through typed operations.

mod classify;
pub mod raw;
mod shapes;
mod suggest;
#[cfg(test)]
mod tests;
mod time;
mod validate;
pub(crate) mod xml;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;
use crate::error::{Error, RequestError};
use crate::session::canonical_service;

pub use classify::classify;
pub use raw::Raw;

/// JSON text -> a request body; the error names the operation.
pub fn parse(operation: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| refused(operation, operation, format!("the request is not JSON: {e}")))
}

/// What becomes of members that an operation's shape does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    #[default]
    Refuse,
    /// Sent, as AWS may have added them since; the caller tells its user.
    Warn,
}

/// Checks the body against the operation's shape and returns it as it is to be sent.
///
/// # Errors
/// `Error::Request` naming the first problem's path, and the others in its message.
pub fn prepare(service: &str, operation: &str, body: &Value) -> Result<Value> {
    admit(service, operation, body, Unknown::Refuse).map(|(body, _)| body)
}

/// The same, with what was let through of unknown members, if any was.
pub(crate) fn admit(service: &str, operation: &str, body: &Value, unknown: Unknown) -> Result<(Value, Option<String>)> {
    let shapes = shapes::Shapes::of(canonical_service(service)).ok_or_else(|| {
        let known = crate::service::OPERATIONS.iter().map(|(name, _)| *name);
        refused(operation, service, no_such("service", service, known))
    })?;
    let input = shapes
        .input(operation)
        .ok_or_else(|| refused(operation, service, no_such("operation", operation, shapes.operations())))?;
    let mut body = body.clone();
    let problems = validate::Check::run(shapes, operation, input, &mut body);
    let Some(first) = problems.first() else { return Ok((body, None)) };
    let mut message = first.message.clone();
    for more in &problems[1..] {
        message.push_str(&format!("; {}: {}", more.path, more.message));
    }
    if unknown == Unknown::Warn && problems.iter().all(|problem| problem.unknown) {
        return Ok((body, Some(format!("{}: {message}", first.path))));
    }
    if problems.iter().any(|problem| problem.unknown) {
        message.push_str(" (to send what is newer than mwaalib: [mwaalib] unknown_parameters = warn)");
    }
    Err(refused(operation, &first.path, message))
}

fn refused(operation: &str, path: &str, message: String) -> Error {
    Error::Request(RequestError { operation: operation.to_owned(), path: path.to_owned(), message })
}

fn no_such<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint = suggest::nearest(name, known).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
    format!("unknown {what} {name}{hint}")
}

/// A random token, in the form of a UUID.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    let bits = (u128::from(half()) << 64) | u128::from(half());
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
