//! What the functions need of AWS Glue, so that their logic can be tested against a scripted one.

use mwaalib_core::job::{self, Job};
use mwaalib_core::service::glue::states::JOB_RUN;
use mwaalib_core::session::Session;
use serde_json::Value;

use crate::Failure;

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
        let kind = JOB_RUN.name.to_owned();
        let started = job::start(self, Job { kind, request, key: Some(key.to_owned()), reuse: true }).await?;
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
