//! The core of mwaalib: AWS sessions, requests, jobs and waits, without Python.

pub mod diagnose;
pub mod error;
pub mod job;
pub mod metrics;
pub mod process;
pub mod request;
pub mod service;
pub mod session;
pub mod wait;

pub use error::{Error, Result};
pub use session::{Session, Settings};
