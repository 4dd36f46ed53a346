//! asyncio futures for single calls, through pyo3-async-runtimes on our own runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use mwaalib_core::Result;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3_async_runtimes::{TaskLocals, generic};
use tokio::task::{JoinError, JoinHandle};

use crate::{error, runtime};

/// An asyncio future of the running loop that `future` fulfils; cancelling it drops `future`.
pub fn future<'py, F, T>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    runtime::handle(py)?;
    generic::future_into_py::<Tokio, _, _>(py, async move {
        runtime::guard(future).await.map_err(|e| {
            let raised = Python::try_attach(|py| error::raise(py, &e));
            // None: the interpreter is going.
            raised.unwrap_or_else(|| PyRuntimeError::new_err(e.to_string()))
        })
    })
}

/// Our runtime, as pyo3-async-runtimes wants to see one.
struct Tokio;

struct Joined(JoinError);

impl generic::JoinError for Joined {
    fn is_panic(&self) -> bool {
        self.0.is_panic()
    }

    fn into_panic(self) -> Box<dyn std::any::Any + Send + 'static> {
        self.0.into_panic()
    }
}

/// Without a runtime, at the interpreter's exit, nothing is run and nothing is awaited.
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
        Handle(runtime::current().map(|runtime| runtime.spawn(future)))
    }

    fn spawn_blocking<F>(work: F) -> Handle
    where
        F: FnOnce() + Send + 'static,
    {
        Handle(runtime::current().map(|runtime| runtime.spawn_blocking(work)))
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
