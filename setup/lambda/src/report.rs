//! mwaa-movielens-error: why the execution failed, as the `Error` and `Cause` that it ends with.

use serde_json::{Value, json};

use crate::check::run_of;
use crate::glue::Glue;
use crate::{Failure, serve};

/// Step Functions refuses a longer cause.
const MAX_CAUSE: usize = 30_000;

/// Reads the execution's state and asks Glue for what it does not hold.
///
/// # Errors
/// None of its own: a cause that cannot be read is said to be so.
pub async fn report(glue: &impl Glue, event: Value) -> Result<Value, Failure> {
    let (error, cause) = if let Some(error) = event["error"]["Error"].as_str() {
        (error.to_owned(), caught(&event["error"]["Cause"]))
    } else if event["job"]["outcome"] == "FAILED" {
        ("GlueJobFailed".to_owned(), job_failure(glue, &event).await)
    } else if event["crawl"]["outcome"] == "FAILED" {
        ("GlueCrawlerFailed".to_owned(), crawl_failure(&event))
    } else {
        ("UnknownFailure".to_owned(), event.to_string())
    };
    let cause: String = cause.chars().take(MAX_CAUSE).collect();
    eprintln!("{error}: {cause}");
    Ok(json!({"Error": error, "Cause": cause}))
}

/// The message of a caught error; a function's is JSON within the text.
fn caught(cause: &Value) -> String {
    let text = cause.as_str().map_or_else(|| cause.to_string(), str::to_owned);
    serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|inner| inner["errorMessage"].as_str().map(str::to_owned))
        .unwrap_or(text)
}

async fn job_failure(glue: &impl Glue, event: &Value) -> String {
    let (name, run) = match run_of(event) {
        Ok(found) => found,
        Err(failure) => return failure.to_string(),
    };
    let state = event["job"]["state"].as_str().unwrap_or("FAILED");
    let reason = match glue.call("GetJobRun", json!({"JobName": name, "RunId": run})).await {
        Ok(reply) => reply["JobRun"]["ErrorMessage"].as_str().unwrap_or("Glue gives no reason").to_owned(),
        Err(failure) => format!("its reason cannot be read: {failure}"),
    };
    format!("Glue job {name}, run {run}, ended as {state}: {reason}")
}

fn crawl_failure(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("Glue gives no reason").to_owned();
    let failed: Vec<String> = event["crawl"]["crawlers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|crawler| crawler["status"].is_string())
        .map(|c| format!("crawler {} ended as {}: {}", text(&c["name"]), text(&c["status"]), text(&c["message"])))
        .collect();
    failed.join("; ")
}

/// Serves the function.
///
/// # Errors
/// As of `serve`.
pub fn main() -> Result<(), lambda_runtime::Error> {
    serve(|glue, event| Box::pin(async move { report(&glue, event).await }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::fake::Scripted;

    async fn reported(glue: Scripted, event: Value) -> (String, String) {
        let answer = report(&glue, event).await.unwrap();
        let text = |name| answer[name].as_str().unwrap().to_owned();
        (text("Error"), text("Cause"))
    }

    fn failed_job() -> Value {
        json!({"job": {"name": "j", "run_id": "jr_1", "state": "TIMEOUT", "outcome": "FAILED"}})
    }

    #[tokio::test]
    async fn a_failed_job_brings_glues_own_message() {
        let glue = Scripted::new([Ok(json!({"JobRun": {"ErrorMessage": "AnalysisException: no such file"}}))]);
        let (error, cause) = reported(glue, failed_job()).await;
        assert_eq!(error, "GlueJobFailed");
        assert_eq!(cause, "Glue job j, run jr_1, ended as TIMEOUT: AnalysisException: no such file");
    }

    #[tokio::test]
    async fn a_cause_that_cannot_be_read_hides_nothing() {
        let glue = Scripted::new([Err(Failure::new("AccessDeniedException", "not you"))]);
        let (error, cause) = reported(glue, failed_job()).await;
        assert_eq!(error, "GlueJobFailed");
        assert!(cause.ends_with("its reason cannot be read: AccessDeniedException: not you"), "{cause}");
    }

    #[tokio::test]
    async fn a_caught_error_keeps_its_name_and_loses_its_wrapping() {
        let cause = json!({"errorType": "InvalidInput", "errorMessage": "wait_seconds is 0"}).to_string();
        let event = json!({"error": {"Error": "InvalidInput", "Cause": cause}, "job": {"outcome": "RUNNING"}});
        let expected = ("InvalidInput".to_owned(), "wait_seconds is 0".to_owned());
        assert_eq!(reported(Scripted::default(), event).await, expected);
        let event = json!({"error": {"Error": "States.Timeout", "Cause": "plain"}});
        assert_eq!(reported(Scripted::default(), event).await.1, "plain");
    }

    #[tokio::test]
    async fn failed_crawlers_are_named() {
        let event = json!({"job": {"outcome": "SUCCEEDED"}, "crawl": {"outcome": "FAILED", "crawlers": [
            {"name": "a", "before": null}, {"name": "b", "status": "CANCELLED", "message": null}]}});
        let (error, cause) = reported(Scripted::default(), event).await;
        assert_eq!(error, "GlueCrawlerFailed");
        assert_eq!(cause, "crawler b ended as CANCELLED: Glue gives no reason");
    }

    #[tokio::test]
    async fn long_causes_are_cut() {
        let event = json!({"error": {"Error": "E", "Cause": "ü".repeat(MAX_CAUSE + 1)}});
        assert_eq!(reported(Scripted::default(), event).await.1.chars().count(), MAX_CAUSE);
    }
}
