//! What the functions need of AWS Glue, so that their logic can be tested against a scripted one.

use mwaalib_core::job::{self, Job};
use mwaalib_core::session::Session;
use serde_json::Value;

use crate::Failure;

/// mwaalib's name for what is started and checked here.
pub const JOB_RUN: &str = "glue_job_run";

#[allow(async_fn_in_trait, reason = "no caller needs the futures to be Send")]
pub trait Glue {
    /// One API call, its request named as in boto3.
    async fn call(&self, operation: &str, request: Value) -> Result<Value, Failure>;

    /// Starts a job run, or finds the one started under `key`, and returns its id.
    async fn start_job_run(&self, request: Value, key: &str) -> Result<String, Failure>;
}

impl Glue for Session {
    async fn call(&self, operation: &str, request: Value) -> Result<Value, Failure> {
        Ok(Session::call(self, "glue", operation, &request).await?)
    }

    async fn start_job_run(&self, request: Value, key: &str) -> Result<String, Failure> {
        let job = Job { kind: JOB_RUN.into(), request, key: Some(key.into()), reuse: true, since: None };
        let started = job::start(self, job).await?;
        if let Some(notice) = started.notice {
            println!("{notice}");
        }
        started.ids.into_iter().next().ok_or_else(|| Failure::new("InternalError", "Glue returned no run id"))
    }
}

#[cfg(test)]
pub mod fake {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use serde_json::json;

    use super::*;

    /// Answers from a script and remembers what it was asked.
    #[derive(Default)]
    pub struct Scripted {
        pub answers: RefCell<VecDeque<Result<Value, Failure>>>,
        pub asked: RefCell<Vec<(String, Value)>>,
    }

    impl Scripted {
        pub fn new(answers: impl IntoIterator<Item = Result<Value, Failure>>) -> Self {
            Self { answers: RefCell::new(answers.into_iter().collect()), ..Self::default() }
        }

        fn answer(&self, operation: &str, request: Value) -> Result<Value, Failure> {
            self.asked.borrow_mut().push((operation.into(), request));
            self.answers.borrow_mut().pop_front().expect("a call that the script does not know")
        }
    }

    impl Glue for Scripted {
        async fn call(&self, operation: &str, request: Value) -> Result<Value, Failure> {
            self.answer(operation, request)
        }

        async fn start_job_run(&self, request: Value, key: &str) -> Result<String, Failure> {
            let answer = self.answer("StartJobRun", json!({"request": request, "key": key}))?;
            Ok(answer.as_str().expect("a run id").to_owned())
        }
    }
}
