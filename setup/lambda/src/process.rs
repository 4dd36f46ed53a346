//! mwaa-process-movielens: starts the Glue job.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::glue::Glue;
use crate::{Failure, serve, variable};

const MAX_WAIT: u32 = 3600;

/// The event: who runs, and what the execution was started with.
#[derive(Deserialize)]
struct Event {
    execution: Execution,
    #[serde(default)]
    input: Map<String, Value>,
}

#[derive(Deserialize)]
struct Execution {
    name: String,
    started: String,
}

/// Starts the job, or finds the run that an earlier attempt of this execution started.
///
/// The input may hold `minimum_ratings` (1 or more) and `wait_seconds` (1 to 3600), the pause between checks.
///
/// # Errors
/// `InvalidInput` for an input it does not understand, else AWS's own code.
pub async fn process(glue: &impl Glue, job_name: &str, event: Value) -> Result<Value, Failure> {
    let Event { execution, input } = serde_json::from_value(event).map_err(|e| Failure::input(e.to_string()))?;
    let mut arguments = Map::new();
    let mut wait = 30;
    for (name, value) in &input {
        match name.as_str() {
            "minimum_ratings" => {
                let minimum = number(name, value, u32::MAX)?;
                arguments.insert("--minimum_ratings".into(), minimum.to_string().into());
            }
            "wait_seconds" => wait = number(name, value, MAX_WAIT)?,
            // Step Functions' own, and its users' habit.
            "Comment" | "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID" => {}
            other => return Err(Failure::input(format!("the execution's input has an unknown member {other:?}"))),
        }
    }
    let request = json!({"JobName": job_name, "Arguments": arguments});
    let run = glue.start_job_run(request, &key(&execution)).await?;
    println!("job {job_name}: run {run}");
    Ok(json!({
        "job": {"name": job_name, "run_id": run, "state": "STARTING", "outcome": "RUNNING"},
        "wait_seconds": wait,
    }))
}

fn number(name: &str, value: &Value, max: u32) -> Result<u32, Failure> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| Failure::input(format!("{name} is a whole number from 1 to {max}, not {value}")))
}

/// The same for each attempt of one execution: a key holds 64 characters, a name up to 80.
fn key(execution: &Execution) -> String {
    let whole: String = format!("{}.{}", execution.started, execution.name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    whole[..whole.len().min(64)].to_owned()
}

/// Serves the function.
///
/// # Errors
/// As of `serve`.
pub fn main() -> Result<(), lambda_runtime::Error> {
    serve(|glue, event| Box::pin(async move { process(&glue, &variable("GLUE_JOB_NAME")?, event).await }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::fake::Scripted;

    fn event(input: Value) -> Value {
        json!({"execution": {"name": "run/1", "started": "2026-01-02T03:04:05.678Z"}, "input": input})
    }

    async fn refused(input: Value) -> String {
        let failure = process(&Scripted::default(), "job", event(input)).await.unwrap_err();
        assert_eq!(failure.error, "InvalidInput");
        failure.message
    }

    #[tokio::test]
    async fn starts_the_job_under_the_executions_key() {
        let glue = Scripted::new([Ok(json!("jr_1"))]);
        let state = process(&glue, "job", event(json!({"minimum_ratings": 5, "wait_seconds": 2}))).await.unwrap();
        assert_eq!(
            state,
            json!({
                "job": {"name": "job", "run_id": "jr_1", "state": "STARTING", "outcome": "RUNNING"},
                "wait_seconds": 2,
            })
        );
        let request = json!({"JobName": "job", "Arguments": {"--minimum_ratings": "5"}});
        let expected = json!({"request": request, "key": "2026-01-02T03_04_05.678Z.run_1"});
        assert_eq!(*glue.asked.borrow(), [("StartJobRun".to_owned(), expected)]);
    }

    #[tokio::test]
    async fn an_empty_input_means_the_defaults() {
        let glue = Scripted::new([Ok(json!("jr_1"))]);
        let state = process(&glue, "job", event(json!({}))).await.unwrap();
        assert_eq!(state["wait_seconds"], 30);
        assert_eq!(glue.asked.borrow()[0].1["request"]["Arguments"], json!({}));
    }

    #[tokio::test]
    async fn bad_input_is_refused_before_anything_starts() {
        assert!(refused(json!({"minimum_rating": 5})).await.contains("\"minimum_rating\""));
        for bad in [json!(0), json!("5"), json!(1.5), json!(-1), json!(null)] {
            assert!(refused(json!({"minimum_ratings": bad})).await.contains("minimum_ratings is a whole number"));
        }
        assert!(refused(json!({"wait_seconds": 3601})).await.contains("1 to 3600"));
        assert!(refused(json!([1])).await.contains("invalid type"));
    }

    #[tokio::test]
    async fn errors_of_aws_pass_through() {
        let failure = Failure::new("ConcurrentRunsExceededException", "busy");
        let glue = Scripted::new([Err(failure.clone())]);
        assert_eq!(process(&glue, "job", event(json!({}))).await, Err(failure));
    }

    #[test]
    fn keys_fit_and_differ_by_start() {
        let execution = |started: &str| Execution { name: "ü".repeat(80), started: started.into() };
        let first = key(&execution("2026-01-02T03:04:05.678Z"));
        assert_eq!(first.len(), 64);
        assert_ne!(first, key(&execution("2026-01-02T03:04:05.679Z")));
    }
}
