//! Stops Step Functions executions.

use serde_json::json;

use crate::error::Result;
use crate::job::Aws;

pub(crate) async fn executions<A: Aws>(aws: &A, ids: &[String]) -> Result<()> {
    for arn in ids {
        let body = json!({"executionArn": arn, "error": "Mwaalib.Cancelled", "cause": "cancelled by the task that waited for it"});
        let Err(error) = aws.call("sfn", "StopExecution", &body).await else {
            continue;
        };
        let reply = aws.call("sfn", "DescribeExecution", &json!({"executionArn": arn})).await;
        let ended = reply.is_ok_and(|reply| {
            matches!(reply["status"].as_str(), Some("SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED"))
        });
        if !ended {
            return Err(error);
        }
    }
    Ok(())
}
