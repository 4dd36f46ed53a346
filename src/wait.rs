//! Waits, blocking and awaited.

use std::sync::Arc;

use mwaalib_core::wait::{self, EventSink, WaitSpec};
use mwaalib_core::{Error, Result, Session};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::task::AbortHandle;

use crate::bridge::{Bridge, Callback, Item};
use crate::{blocking, error, runtime};

pub fn spec(py: Python<'_>, text: &str) -> PyResult<WaitSpec> {
    WaitSpec::from_json(text).map_err(|e| error::raise(py, &e))
}

async fn run<S>(session: S, spec: WaitSpec, sink: Option<EventSink>) -> Result<String>
where
    S: Future<Output = Result<Session>> + Send,
{
    let outcome = wait::wait(&session.await?, spec, sink).await?;
    serde_json::to_string(&outcome).map_err(|e| Error::internal(format!("the outcome is not serialised: {e}")))
}

/// Waits in the calling thread.
pub fn blocking<S>(py: Python<'_>, session: S, spec: WaitSpec, on_event: Option<&Py<PyAny>>) -> PyResult<String>
where
    S: Future<Output = Result<Session>> + Send + 'static,
{
    match on_event {
        Some(on_event) => blocking::run_with_events(py, |sink| run(session, spec, Some(sink)), on_event),
        None => blocking::run(py, run(session, spec, None)),
    }
}

/// An asyncio future of the running loop; cancelling it drops the wait.
pub fn awaited<'py, S>(
    py: Python<'py>,
    session: S,
    spec: WaitSpec,
    on_event: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>>
where
    S: Future<Output = Result<Session>> + Send + 'static,
{
    let event_loop = pyo3_async_runtimes::get_running_loop(py)?;
    let bridge = Arc::new(Bridge::of(&event_loop)?);
    let context = py.import("contextvars")?.call_method0("copy_context")?;
    let sink = on_event.map(|function| sink(&bridge, function, &context));
    let future = event_loop.call_method0("create_future")?;
    let kept = future.clone().unbind();
    let task = runtime::handle(py)?.spawn(async move {
        let result = runtime::guard(run(session, spec, sink)).await;
        Bridge::push(&bridge, Item::Done { future: kept, result });
    });
    let cancel = Cancel { task: task.abort_handle(), pid: std::process::id() };
    // Without a context given, asyncio would copy one more for each of 10,000 waits.
    let keywords = PyDict::new(py);
    keywords.set_item("context", context)?;
    future.call_method("add_done_callback", (cancel,), Some(&keywords))?;
    Ok(future)
}

fn sink(bridge: &Arc<Py<Bridge>>, function: Py<PyAny>, context: &Bound<'_, PyAny>) -> EventSink {
    let callback = Arc::new(Callback { function, context: context.clone().unbind() });
    let bridge = Arc::clone(bridge);
    Arc::new(move |event| Bridge::push(&bridge, Item::Event { callback: Arc::clone(&callback), event }))
}

/// Called when the future is done, by whomever: ends the wait.
#[pyclass(frozen, module = "mwaalib._core")]
struct Cancel {
    task: AbortHandle,
    pid: u32,
}

#[pymethods]
impl Cancel {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        // In a forked child the wait is not there.
        if self.pid == std::process::id() {
            self.task.abort();
        }
    }
}
