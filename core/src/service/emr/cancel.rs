//! Stops EMR clusters and steps.

use serde_json::{Value, json};

use crate::error::{AwsError, Class, Error, Result};
use crate::job::Aws;

pub(crate) async fn job_flows<A: Aws>(aws: &A, ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let Err(error) = aws.call("emr", "TerminateJobFlows", &json!({"JobFlowIds": ids})).await else {
        return Ok(());
    };
    for id in ids {
        let reply = aws.call("emr", "DescribeCluster", &json!({"ClusterId": id})).await;
        if !reply.is_ok_and(|reply| ended(&reply["Cluster"]["Status"]["State"])) {
            return Err(error);
        }
    }
    Ok(())
}

/// Steps that have begun are interrupted: the default, which EMR 5.28 and later know.
pub(crate) async fn steps<A: Aws>(aws: &A, cluster: &str, ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    // One call takes 256 ids.
    for ids in ids.chunks(256) {
        let refused = match aws.call("emr", "CancelSteps", &json!({"ClusterId": cluster, "StepIds": ids})).await {
            Ok(reply) => refusals(&reply),
            Err(error) => ids.iter().map(|id| (id.clone(), error.clone())).collect(),
        };
        for (id, error) in refused {
            let body = json!({"ClusterId": cluster, "StepId": id});
            let reply = aws.call("emr", "DescribeStep", &body).await;
            if !reply.is_ok_and(|reply| ended(&reply["Step"]["Status"]["State"])) {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// CancelSteps answers 200 for steps that it does not cancel.
fn refusals(reply: &Value) -> Vec<(String, Error)> {
    let infos = reply["CancelStepsInfoList"].as_array().into_iter().flatten();
    infos
        .filter(|info| info["Status"] == "FAILED")
        .map(|info| {
            let error = AwsError {
                service: "emr".to_owned(),
                operation: "CancelSteps".to_owned(),
                code: "CancelStepsFailed".to_owned(),
                message: info["Reason"].as_str().unwrap_or("no reason given").to_owned(),
                request_id: None,
                status: Some(200),
                class: Class::Permanent,
            };
            (info["StepId"].as_str().unwrap_or_default().to_owned(), Error::Aws(error))
        })
        .collect()
}

/// Whether a cluster or step is at its end or on the way there.
fn ended(state: &Value) -> bool {
    matches!(
        state.as_str().unwrap_or_default(),
        "TERMINATING"
            | "TERMINATED"
            | "TERMINATED_WITH_ERRORS"
            | "CANCEL_PENDING"
            | "CANCELLED"
            | "COMPLETED"
            | "FAILED"
            | "INTERRUPTED"
    )
}
