//! Core errors -> the classes of `mwaalib.exceptions`.

use mwaalib_core::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The Python exception for an error of the core.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|failure| {
        let raised = PyRuntimeError::new_err(error.to_string());
        raised.set_cause(py, Some(failure));
        raised
    })
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static FROM_JSON: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (loads, from_dict) = FROM_JSON.get_or_try_init(py, || {
        let loads = py.import("json")?.getattr("loads")?.unbind();
        let from_dict = py.import("mwaalib.exceptions")?.getattr("from_dict")?.unbind();
        PyResult::Ok((loads, from_dict))
    })?;
    let dict = loads.call1(py, (error.to_json(),))?;
    Ok(PyErr::from_value(from_dict.call1(py, (dict,))?.into_bound(py)))
}
