//! Stops Glue job runs and crawlers.

use serde_json::{Value, json};

use crate::error::{AwsError, Class, Error, Result};
use crate::job::Aws;

pub(crate) async fn job_runs<A: Aws>(aws: &A, job: &str, ids: &[String]) -> Result<()> {
    // One call takes 25 runs.
    for ids in ids.chunks(25) {
        let reply = aws.call("glue", "BatchStopJobRun", &json!({"JobName": job, "JobRunIds": ids})).await?;
        for refused in reply["Errors"].as_array().into_iter().flatten() {
            let run = refused["JobRunId"].as_str().unwrap_or_default();
            let seen = aws.call("glue", "GetJobRun", &json!({"JobName": job, "RunId": run})).await;
            if !seen.is_ok_and(|seen| ended(&seen["JobRun"]["JobRunState"])) {
                return Err(refusal(&refused["ErrorDetail"]));
            }
        }
    }
    Ok(())
}

/// BatchStopJobRun answers 200 for runs that it does not stop.
fn refusal(detail: &Value) -> Error {
    let text = |name: &str| detail[name].as_str().unwrap_or("Unknown").to_owned();
    let code = text("ErrorCode");
    Error::Aws(AwsError {
        service: "glue".to_owned(),
        operation: "BatchStopJobRun".to_owned(),
        class: if code.contains("NotFound") { Class::NotFound } else { Class::Permanent },
        code,
        message: text("ErrorMessage"),
        request_id: None,
        status: Some(200),
    })
}

fn ended(state: &Value) -> bool {
    matches!(
        state.as_str().unwrap_or_default(),
        "SUCCEEDED" | "FAILED" | "STOPPED" | "STOPPING" | "TIMEOUT" | "ERROR" | "EXPIRED"
    )
}

pub(crate) async fn crawlers<A: Aws>(aws: &A, names: &[String]) -> Result<()> {
    for name in names {
        match aws.call("glue", "StopCrawler", &json!({"Name": name})).await {
            Err(Error::Aws(error))
                if matches!(error.code.as_str(), "CrawlerNotRunningException" | "CrawlerStoppingException") => {}
            other => {
                other?;
            }
        }
    }
    Ok(())
}
