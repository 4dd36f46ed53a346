//! `Session`: an Airflow connection's way into AWS.

use std::sync::{Arc, OnceLock};

use mwaalib_core::{Result, Session as CoreSession, Settings};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{call, error, runtime};

/// What one connection's settings open; sessions with equal settings share one core session.
#[pyclass(frozen, module = "mwaalib._core")]
pub struct Session {
    settings: Arc<Settings>,
    region: OnceLock<Option<String>>,
}

impl Session {
    /// The calls below all begin so: find or open the shared session, then go on.
    fn open(&self) -> impl Future<Output = Result<CoreSession>> + Send + 'static {
        let settings = self.settings.clone();
        async move { CoreSession::get(&settings).await }
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
        Ok(Self { settings: Arc::new(settings), region: OnceLock::new() })
    }

    #[getter]
    fn region(&self, py: Python<'_>) -> PyResult<Option<String>> {
        if let Some(region) = self.region.get() {
            return Ok(region.clone());
        }
        let session = self.open();
        let region = runtime::block_on(py, async move { Ok(session.await?.region().map(str::to_owned)) })?;
        Ok(self.region.get_or_init(|| region).clone())
    }

    fn call(&self, py: Python<'_>, service: String, operation: String, body: &str) -> PyResult<String> {
        let body = call::body(py, &operation, body)?;
        runtime::block_on(py, self.send(service, operation, body))
    }

    fn call_async<'py>(
        &self,
        py: Python<'py>,
        service: String,
        operation: String,
        body: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = call::body(py, &operation, body)?;
        runtime::future_into_py(py, self.send(service, operation, body))
    }

    fn __repr__(&self) -> String {
        format!("<mwaalib Session {:?}>", self.settings)
    }
}
