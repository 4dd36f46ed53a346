//! Owns the tokio runtime: started on first use, one per process, rebuilt after a fork.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use mwaalib_core::process::PerProcess;
use mwaalib_core::{Error, Result};
use pyo3::prelude::*;
use pyo3_async_runtimes::{TaskLocals, generic};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::error;

/// How long a blocking call may keep Python from handling a signal.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

static RUNTIME: PerProcess<OnceLock<std::io::Result<Runtime>>> = PerProcess::new(OnceLock::new);

/// The runtime of this process. A forked child leaks its parent's, whose threads
/// it does not have, and starts its own.
pub fn runtime() -> Result<&'static Runtime> {
    RUNTIME
        .get()
        .get_or_init(|| {
            Builder::new_multi_thread().worker_threads(1).thread_name("mwaalib").enable_io().enable_time().build()
        })
        .as_ref()
        .map_err(|e| Error::internal(format!("cannot start the runtime: {e}")))
}

/// Whether this process has started its runtime.
#[pyfunction]
pub fn runtime_started() -> bool {
    RUNTIME.peek().is_some_and(|cell| cell.get().is_some())
}

/// Runs `future` while the calling thread waits without the GIL, and looks for
/// signals at short intervals; what a signal handler raises ends the call.
pub fn block_on<F, T>(py: Python<'_>, future: F) -> PyResult<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let runtime = runtime().map_err(|e| error::raise(py, &e))?;
    let (send, mut receive) = std::sync::mpsc::sync_channel(1);
    let task = Abort(runtime.spawn(async move {
        let _ = send.send(guard(future).await);
    }));
    loop {
        let waited;
        (waited, receive) = py.detach(move || (receive.recv_timeout(SIGNAL_INTERVAL), receive));
        match waited {
            Ok(result) => return result.map_err(|e| error::raise(py, &e)),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                drop(task);
                return Err(error::raise(py, &Error::internal("the runtime dropped the call")));
            }
        }
    }
}

/// Turns a panic into an error: Python's `except Exception` must see it.
pub async fn guard<F, T>(future: F) -> Result<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    match Abort(tokio::spawn(future)).await {
        Ok(result) => result,
        Err(e) if e.is_panic() => Err(Error::internal(panic_message(e.into_panic()))),
        Err(_) => Err(Error::Cancelled),
    }
}

fn panic_message(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("mwaalib met a bug of its own: {text}")
}

/// A task that ends with whoever waits for it.
pub struct Abort<T>(pub JoinHandle<T>);

impl<T> Future for Abort<T> {
    type Output = std::result::Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An asyncio future of the running loop that `future` fulfils; cancelling it drops `future`.
pub fn future_into_py<'py, F, T>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    runtime().map_err(|e| error::raise(py, &e))?;
    generic::future_into_py::<Tokio, _, _>(py, async move {
        guard(future).await.map_err(|e| Python::attach(|py| error::raise(py, &e)))
    })
}

/// Our runtime, as pyo3-async-runtimes wants to see one.
struct Tokio;

struct Joined(tokio::task::JoinError);

impl generic::JoinError for Joined {
    fn is_panic(&self) -> bool {
        self.0.is_panic()
    }

    fn into_panic(self) -> Box<dyn std::any::Any + Send + 'static> {
        self.0.into_panic()
    }
}

struct Handle(Option<JoinHandle<()>>);

impl Future for Handle {
    type Output = std::result::Result<(), Joined>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(handle) => Pin::new(handle).poll(cx).map_err(Joined),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl generic::Runtime for Tokio {
    type JoinError = Joined;
    type JoinHandle = Handle;

    fn spawn<F>(future: F) -> Handle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Handle(runtime().ok().map(|runtime| runtime.spawn(future)))
    }

    fn spawn_blocking<F>(work: F) -> Handle
    where
        F: FnOnce() + Send + 'static,
    {
        Handle(runtime().ok().map(|runtime| runtime.spawn_blocking(work)))
    }
}

tokio::task_local! {
    static LOCALS: TaskLocals;
}

impl generic::ContextExt for Tokio {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(LOCALS.scope(locals, future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        LOCALS.try_with(TaskLocals::clone).ok()
    }
}
