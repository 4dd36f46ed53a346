//! The four functions of the MovieLens state machine: thin binaries in `src/bin` over one module each.
//!
//! Every function takes the execution's state as its event and returns it, changed.

pub mod check;
pub mod crawl;
pub mod failure;
pub mod glue;
pub mod process;
pub mod report;

use std::future::Future;
use std::pin::Pin;

use lambda_runtime::{LambdaEvent, run, service_fn};
use mwaalib_core::session::{Session, Settings};
use serde_json::Value;

pub use failure::Failure;

/// What a function does with an event, given a session on the function's own role.
pub type Handler = fn(Session, Value) -> Pin<Box<dyn Future<Output = Result<Value, Failure>>>>;

/// Serves events with `handler` until the environment is shut down.
///
/// Neither generic nor async: so the SDK's code is compiled once here, not in each of the binaries.
///
/// # Errors
/// When there are no credentials or region, or the Lambda runtime is gone.
pub fn serve(handler: Handler) -> Result<(), lambda_runtime::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let session = Session::get(&Settings::default()).await?;
        run(service_fn(|event: LambdaEvent<Value>| {
            let answer = handler(session.clone(), event.payload);
            async move { answer.await.inspect_err(|failure| eprintln!("{failure}")) }
        }))
        .await
    })
}

/// A variable that the stack sets on the function.
///
/// # Errors
/// `MissingVariable` when it is not there.
pub fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::new("MissingVariable", format!("the environment variable {name} is not set")))
}
