//! `Session`: an Airflow connection's way into AWS.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use mwaalib_core::job::{self, Job};
use mwaalib_core::service::s3;
use mwaalib_core::{Result, Session as CoreSession, Settings};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{aio, blocking, call, error, wait};

/// What one connection's settings open; sessions with equal settings share one core session.
#[pyclass(frozen, module = "mwaalib._core")]
pub struct Session {
    settings: Arc<Settings>,
    opened: Arc<Opened>,
}

/// The core session, once it is open, and the process it is open in.
#[derive(Default)]
struct Opened(Mutex<Option<(u32, CoreSession)>>);

impl Opened {
    fn get(&self) -> Option<CoreSession> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match opened.take() {
            Some((pid, session)) if pid == std::process::id() => {
                *opened = Some((pid, session.clone()));
                Some(session)
            }
            inherited => {
                // The parent's sockets are registered with the parent's epoll: closing them here would be felt there.
                std::mem::forget(inherited);
                None
            }
        }
    }

    fn set(&self, session: &CoreSession) {
        let opened = Some((std::process::id(), session.clone()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }
}

impl Session {
    /// Finds or opens the core session of these settings.
    fn open(&self) -> impl Future<Output = Result<CoreSession>> + Send + 'static {
        let opened = self.opened.get();
        let (settings, keep) = (Arc::clone(&self.settings), Arc::clone(&self.opened));
        async move {
            if let Some(session) = opened {
                return Ok(session);
            }
            // Boxed: each of 10,000 waits would carry the state of opening a session.
            let session = Box::pin(CoreSession::get(&settings)).await?;
            keep.set(&session);
            Ok(session)
        }
    }

    fn send(
        &self,
        service: String,
        operation: String,
        body: Value,
    ) -> impl Future<Output = Result<String>> + Send + 'static {
        let session = self.open();
        async move { Ok(session.await?.call(&service, &operation, &body).await?.to_string()) }
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new(py: Python<'_>, settings: &str) -> PyResult<Self> {
        let settings = Settings::from_json(settings).map_err(|e| error::raise(py, &e))?;
        Ok(Self { settings: Arc::new(settings), opened: Arc::default() })
    }

    #[getter]
    fn region(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let session = self.open();
        blocking::run(py, async move { Ok(session.await?.region().map(str::to_owned)) })
    }

    fn call(&self, py: Python<'_>, service: String, operation: String, body: &str) -> PyResult<String> {
        let body = call::body(py, &operation, body)?;
        blocking::run(py, self.send(service, operation, body))
    }

    fn call_async<'py>(
        &self,
        py: Python<'py>,
        service: String,
        operation: String,
        body: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = call::body(py, &operation, body)?;
        aio::future(py, self.send(service, operation, body))
    }

    #[pyo3(signature = (path, bucket, key, replace=true))]
    fn put_file(&self, py: Python<'_>, path: PathBuf, bucket: String, key: String, replace: bool) -> PyResult<()> {
        let session = self.open();
        blocking::run(py, async move { s3::put_file(&session.await?, &path, &bucket, &key, replace).await })
    }

    fn start(&self, py: Python<'_>, job: &str) -> PyResult<String> {
        let job = Job::from_json(job).map_err(|e| error::raise(py, &e))?;
        let session = self.open();
        blocking::run(py, async move { Ok(job::start(&session.await?, job).await?.to_json()) })
    }

    fn cancel(&self, py: Python<'_>, wait: &str) -> PyResult<()> {
        let spec = wait::spec(py, wait)?;
        let session = self.open();
        blocking::run(
            py,
            async move { job::cancel(&session.await?, &spec.kind, spec.parent.as_deref(), &spec.ids).await },
        )
    }

    #[pyo3(signature = (wait, on_event=None))]
    fn wait(&self, py: Python<'_>, wait: &str, on_event: Option<Py<PyAny>>) -> PyResult<String> {
        wait::blocking(py, self.open(), wait::spec(py, wait)?, on_event.as_ref())
    }

    #[pyo3(signature = (wait, on_event=None))]
    fn wait_async<'py>(&self, py: Python<'py>, wait: &str, on_event: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        wait::awaited(py, self.open(), wait::spec(py, wait)?, on_event)
    }

    fn __repr__(&self) -> String {
        format!("<mwaalib Session {:?}>", self.settings)
    }
}
