//! `mwaalib._core`: the Rust core as Python sees it.

mod aio;
mod blocking;
mod bridge;
mod call;
mod error;
mod runtime;
mod session;
mod wait;

use pyo3::prelude::*;

/// The AWS core of mwaalib.
#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<session::Session>()?;
    m.add_function(wrap_pyfunction!(call::validate, m)?)?;
    m.add_function(wrap_pyfunction!(call::states, m)?)?;
    m.add_function(wrap_pyfunction!(call::configure, m)?)?;
    m.add_function(wrap_pyfunction!(call::metrics, m)?)?;
    m.add_function(wrap_pyfunction!(runtime::runtime_started, m)?)?;
    Ok(())
}
