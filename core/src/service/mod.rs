//! What mwaalib knows of each AWS service.

pub mod emr;
pub mod glue;
pub mod iam;
pub mod logs;
mod query;
pub mod s3;
pub mod sfn;
pub mod ssm;
pub mod sts;
pub mod watch;

use serde_json::Value;

use crate::error::RequestError;
use crate::request::Raw;
use crate::{Error, Result, Session};

/// What `Session::call` offers.
pub const OPERATIONS: &[(&str, &[&str])] = &[
    ("emr", emr::OPERATIONS),
    ("sfn", sfn::OPERATIONS),
    ("glue", glue::OPERATIONS),
    ("ssm", ssm::OPERATIONS),
    ("logs", logs::OPERATIONS),
    ("sts", sts::OPERATIONS),
    ("iam", iam::OPERATIONS),
];

/// How often a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempts {
    One,
    AsSet,
}

/// Sends a checked body through the operation of that name.
pub(crate) async fn call(
    session: &Session,
    service: &str,
    operation: &str,
    body: &Value,
    attempts: Attempts,
) -> Result<Value> {
    let raw = Raw::new(body);
    let raw = if attempts == Attempts::One { raw.once() } else { raw };
    match crate::session::canonical_service(service) {
        "emr" => emr::send(session, operation, &raw).await?,
        "sfn" => sfn::send(session, operation, &raw).await?,
        "glue" => glue::send(session, operation, &raw).await?,
        "ssm" => ssm::send(session, operation, &raw).await?,
        "logs" => logs::send(session, operation, &raw).await?,
        service @ ("sts" | "iam") => return query::send(session, service, operation, body).await,
        _ => return Err(unknown(service, operation)),
    }
    raw.reply()
}

pub(crate) fn unknown(service: &str, operation: &str) -> Error {
    Error::Request(RequestError {
        operation: operation.to_owned(),
        path: format!("{service}.{operation}"),
        message: "mwaalib does not offer this operation".to_owned(),
    })
}

/// The operations of a service that take a ready-made body.
///
/// All of a service's operations differ in nothing but the body and `X-Amz-Target`, so one of the SDK,
/// the carrier, carries them all: each further one would add some 200 KB to the wheel. The carrier's
/// output is empty, so that it parses nothing of the others' replies.
macro_rules! operations {
    ($service:literal, $client:ident, $target:literal by $carrier:ident: [$($name:literal),+ $(,)?]) => {
        /// The operations that `Session::call` offers.
        pub const OPERATIONS: &[&str] = &[$($name),+];

        /// Sends the raw body through the operation of that name; the reply is left in `raw`.
        pub(crate) async fn send(
            session: &$crate::Session,
            operation: &str,
            raw: &$crate::request::Raw,
        ) -> $crate::Result<()> {
            if !OPERATIONS.contains(&operation) {
                return Err($crate::service::unknown($service, operation));
            }
            let carrier = $client(session, raw.is_once()).$carrier().customize();
            let raw = raw.clone().to(format!(concat!($target, ".{}"), operation));
            let sent = Box::pin(carrier.interceptor(raw).send()).await;
            sent.map(|_| ()).map_err(|e| $crate::Error::from_sdk($service, operation, e))
        }
    };
}
pub(crate) use operations;
