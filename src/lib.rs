//! `mwaalib._core`: the Rust core as Python sees it.

mod call;
mod error;
mod runtime;
mod session;

use pyo3::prelude::*;

/// The AWS core of mwaalib.
#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<session::Session>()?;
    m.add_function(wrap_pyfunction!(call::validate, m)?)?;
    m.add_function(wrap_pyfunction!(runtime::runtime_started, m)?)?;
    Ok(())
}
