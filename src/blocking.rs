//! Blocking calls that signals interrupt.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mwaalib_core::wait::{Event, EventSink};
use mwaalib_core::{Error, Result};
use pyo3::prelude::*;

use crate::error;
use crate::runtime::{self, Abort};

/// How long a blocking call may keep Python from handling a signal.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

enum Message<T> {
    Event(Event),
    Done(Result<T>),
}

/// Runs `future` while the calling thread waits without the GIL, and looks for
/// signals at short intervals; what a signal handler raises ends the call.
pub fn run<F, T>(py: Python<'_>, future: F) -> PyResult<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = channel();
    serve(py, future, sender, receiver, None)
}

/// The same, calling `on_event` with the JSON of what happens meanwhile.
/// What `on_event` raises ends the call.
pub fn run_with_events<M, F, T>(py: Python<'_>, make: M, on_event: &Py<PyAny>) -> PyResult<T>
where
    M: FnOnce(EventSink) -> F,
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = channel();
    let events = sender.clone();
    let sink: EventSink = Arc::new(move |event| drop(events.send(Message::Event(event))));
    serve(py, make(sink), sender, receiver, Some(on_event))
}

fn serve<F, T>(
    py: Python<'_>,
    future: F,
    sender: Sender<Message<T>>,
    mut receiver: Receiver<Message<T>>,
    on_event: Option<&Py<PyAny>>,
) -> PyResult<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let _task = Abort(runtime::handle(py)?.spawn(async move {
        let _ = sender.send(Message::Done(runtime::guard(future).await));
    }));
    let mut checked = Instant::now();
    loop {
        let message;
        (message, receiver) = py.detach(move || (receiver.recv_timeout(SIGNAL_INTERVAL), receiver));
        match message {
            Ok(Message::Done(result)) => return result.map_err(|e| error::raise(py, &e)),
            Ok(Message::Event(event)) => {
                if let Some(on_event) = on_event {
                    on_event.call1(py, (event_json(&event),))?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(error::raise(py, &Error::internal("the runtime dropped the call")));
            }
        }
        if checked.elapsed() >= SIGNAL_INTERVAL {
            py.check_signals()?;
            checked = Instant::now();
        }
    }
}

pub fn event_json(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|e| format!(r#"{{"type":"notice","message":"unreadable event: {e}"}}"#))
}
