//! mwaa-checkjob-movielens: how far the Glue job is.

use mwaalib_core::Error;
use mwaalib_core::wait;
use mwaalib_core::wait::kind::Phase;
use serde_json::{Value, json};

use crate::glue::{Glue, JOB_RUN};
use crate::{Failure, serve};

/// Reads the run's state into `job.state`, and into `job.outcome` as RUNNING, SUCCEEDED or FAILED.
///
/// # Errors
/// `InvalidInput` for an event that names no run, `UnknownStateError`, else AWS's own code.
pub async fn check(glue: &impl Glue, mut event: Value) -> Result<Value, Failure> {
    let (name, run) = run_of(&event)?;
    let reply = glue.call("GetJobRun", json!({"JobName": name, "RunId": run})).await?;
    let state = reply["JobRun"]["JobRunState"].as_str().unwrap_or_default().to_owned();
    let outcome = outcome(&run, &state)?;
    println!("job {name}: run {run} is {state}");
    event["job"]["state"] = state.into();
    event["job"]["outcome"] = outcome.into();
    Ok(event)
}

/// The job's name and run id in the execution's state.
pub fn run_of(event: &Value) -> Result<(String, String), Failure> {
    let member = |name| event["job"][name].as_str().map(str::to_owned);
    match (member("name"), member("run_id")) {
        (Some(name), Some(run)) => Ok((name, run)),
        _ => Err(Failure::input("the event names no Glue job run")),
    }
}

/// What the state means, by the table that the waits of mwaalib go by.
fn outcome(run: &str, state: &str) -> Result<&'static str, Failure> {
    match wait::states(JOB_RUN)?.phase(state) {
        Some(Phase::Pending) => Ok("RUNNING"),
        Some(Phase::Success) => Ok("SUCCEEDED"),
        Some(Phase::Failure) => Ok("FAILED"),
        None => Err(Error::UnknownState { kind: JOB_RUN.into(), id: run.into(), state: state.into() }.into()),
    }
}

/// Serves the function.
///
/// # Errors
/// As of `serve`.
pub fn main() -> Result<(), lambda_runtime::Error> {
    serve(|glue, event| Box::pin(async move { check(&glue, event).await }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::fake::Scripted;

    fn event() -> Value {
        json!({"wait_seconds": 2, "job": {"name": "j", "run_id": "jr_1", "state": "STARTING", "outcome": "RUNNING"}})
    }

    async fn checked(state: &str) -> Result<Value, Failure> {
        check(&Scripted::new([Ok(json!({"JobRun": {"JobRunState": state}}))]), event()).await
    }

    #[tokio::test]
    async fn every_state_of_glue_has_an_outcome() {
        for (state, outcome) in [
            ("STARTING", "RUNNING"),
            ("RUNNING", "RUNNING"),
            ("STOPPING", "RUNNING"),
            ("WAITING", "RUNNING"),
            ("SUCCEEDED", "SUCCEEDED"),
            ("FAILED", "FAILED"),
            ("STOPPED", "FAILED"),
            ("TIMEOUT", "FAILED"),
            ("ERROR", "FAILED"),
            ("EXPIRED", "FAILED"),
        ] {
            let event = checked(state).await.unwrap();
            assert_eq!(event["job"]["state"], state);
            assert_eq!(event["job"]["outcome"], outcome, "{state}");
            assert_eq!(event["wait_seconds"], 2);
        }
    }

    #[tokio::test]
    async fn an_unknown_state_is_an_error_not_a_silent_wait() {
        assert_eq!(checked("PONDERING").await.unwrap_err().error, "UnknownStateError");
        let none = check(&Scripted::new([Ok(json!({}))]), event()).await;
        assert_eq!(none.unwrap_err().error, "UnknownStateError");
    }

    #[tokio::test]
    async fn bad_events_and_errors_of_aws() {
        let failure = check(&Scripted::default(), json!({"job": {"name": "j"}})).await.unwrap_err();
        assert_eq!(failure, Failure::input("the event names no Glue job run"));
        let transient = Failure::new("Transient", "later");
        assert_eq!(check(&Scripted::new([Err(transient.clone())]), event()).await, Err(transient));
    }
}
