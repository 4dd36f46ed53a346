//! Owns the tokio runtime: started on first use, one per process, made anew after a fork.

use std::future::Future;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mwaalib_core::process::PerProcess;
use mwaalib_core::{Error, Result};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::error;

/// Two, so that one that waits for the GIL does not keep polls from going on.
const THREADS: usize = 2;
/// Python's exit does not wait longer for the runtime.
const EXIT_TIMEOUT: Duration = Duration::from_millis(200);

struct Owned {
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
}

/// A forked child leaks its parent's runtime, whose threads it does not have.
static RUNTIME: PerProcess<OnceLock<std::io::Result<Owned>>> = PerProcess::new(OnceLock::new);

/// The runtime of this process.
pub fn handle(py: Python<'_>) -> PyResult<&'static Handle> {
    let started = RUNTIME.get().get_or_init(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("mwaalib")
            .enable_io()
            .enable_time()
            .build()?;
        stop_at_exit(py);
        Ok(Owned { handle: runtime.handle().clone(), runtime: Mutex::new(Some(runtime)) })
    });
    match started {
        Ok(owned) => Ok(&owned.handle),
        Err(e) => Err(error::raise(py, &Error::internal(format!("cannot start the runtime: {e}")))),
    }
}

/// The same where a runtime is known to be: in work that it runs.
pub fn current() -> Option<&'static Handle> {
    RUNTIME.peek()?.get()?.as_ref().ok().map(|owned| &owned.handle)
}

/// Whether this process has started its runtime.
#[pyfunction]
pub fn runtime_started() -> bool {
    current().is_some()
}

/// A thread that asks for the GIL while the interpreter is being torn down would hang or abort.
fn stop_at_exit(py: Python<'_>) {
    let registered = wrap_pyfunction!(stop, py).and_then(|stop| py.import("atexit")?.call_method1("register", (stop,)));
    if let Err(e) = registered {
        e.write_unraisable(py, None);
    }
}

#[pyfunction]
fn stop(py: Python<'_>) {
    let Some(Ok(owned)) = RUNTIME.peek().and_then(OnceLock::get) else { return };
    let runtime = owned.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        py.detach(|| runtime.shutdown_timeout(EXIT_TIMEOUT));
    }
}

/// Runs `future` and turns its panic into an error: Python's `except Exception` must see it.
pub async fn guard<F, T>(future: F) -> Result<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut task = Abort(tokio::spawn(future));
    match (&mut task.0).await {
        Ok(result) => result,
        Err(e) if e.is_panic() => Err(Error::internal(panic_message(&*e.into_panic()))),
        Err(_) => Err(Error::Cancelled),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("mwaalib met a bug of its own: {text}")
}

/// A task that ends with whoever waits for it.
pub struct Abort<T>(pub JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
