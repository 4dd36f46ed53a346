//! Why an execution failed: the state that failed, its error and cause, and what it had started.

use serde_json::{Value, json};

use super::history::{Failure, failures};
use crate::diagnose::{Ended, Findings, text};
use crate::job::Aws;
use crate::service::{emr, glue};

/// Executions within executions that are followed.
const MAX_DEPTH: usize = 4;
const MAX_PAGES: usize = 8;
const PAGE: u32 = 250;

pub(crate) async fn execution<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let mut arn = job.id.to_owned();
    for depth in 0..MAX_DEPTH {
        let events = history(aws, &arn).await;
        let failed = failures(&events);
        let Some(failure) = failed.first() else {
            break;
        };
        let line = describe(failure, (depth == 0).then_some(job.state));
        if depth == 0 {
            findings.reason(Some(&line));
        } else {
            findings.cause(&format!("execution {}: {line}", arn.rsplit(':').next().unwrap_or_default()));
        }
        // A Catch leads to the state that ends the execution: what it caught is the cause.
        for caught in failed.iter().skip(1).take(2) {
            findings.cause(&format!("before that, {}", describe(caught, None)));
        }
        // The deepest known failure is the one that had started something.
        let inner = failed.iter().find_map(|failure| follow(failure, &events));
        match inner {
            Some(Inner::Execution(nested)) => arn = nested,
            Some(Inner::MapRun(run)) => match failed_child(aws, &run).await {
                Some(child) => arn = child,
                None => break,
            },
            Some(inner) => {
                follow_job(aws, inner, findings).await;
                break;
            }
            None => break,
        }
    }
    // Without the history (denied, or an Express workflow) the describe reply says the outermost.
    let outer = Failure {
        error: job.detail["error"].as_str().unwrap_or_default().to_owned(),
        cause: job.detail["cause"].as_str().unwrap_or_default().to_owned(),
        ..Failure::default()
    };
    if findings.reason.is_none() && !(outer.error.is_empty() && outer.cause.is_empty()) {
        findings.reason(Some(&describe(&outer, None)));
    }
}

/// The end of the history, newest pages first, until it tells which state failed.
async fn history<A: Aws>(aws: &A, arn: &str) -> Vec<Value> {
    let mut body = json!({"executionArn": arn, "reverseOrder": true, "maxResults": PAGE, "includeExecutionData": true});
    let mut events = Vec::new();
    for _ in 0..MAX_PAGES {
        let Ok(mut page) = aws.call("sfn", "GetExecutionHistory", &body).await else {
            break;
        };
        if let Some(new) = page["events"].as_array_mut() {
            events.append(new);
        }
        let told = failures(&events).iter().any(|failure| failure.state.is_some() && !failure.declared);
        match page["nextToken"].as_str() {
            Some(token) if !told => body["nextToken"] = json!(token),
            _ => break,
        }
    }
    events
}

fn describe(failure: &Failure, ended: Option<&str>) -> String {
    let what = match (&failure.state, ended) {
        (Some(state), Some("TIMED_OUT")) => format!("the execution timed out in state {state:?}"),
        (Some(state), Some("ABORTED")) => format!("the execution was aborted in state {state:?}"),
        (Some(state), _) => format!("state {state:?} failed"),
        (None, _) => "the execution failed".to_owned(),
    };
    let cause = cause_text(&failure.cause);
    [what.as_str(), &failure.error, &cause].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// A cause as people read it; services and Lambda functions put JSON there.
fn cause_text(cause: &str) -> String {
    let Ok(Value::Object(json)) = serde_json::from_str(cause) else {
        return text::head(cause, 900);
    };
    let json = Value::Object(json);
    let member = |name: &str| json[name].as_str().filter(|text| !text.is_empty());
    let words: Vec<String> = if let Some(message) = member("errorMessage") {
        [member("errorType"), Some(message)].into_iter().flatten().map(str::to_owned).collect()
    } else if let Some(arn) = member("ExecutionArn").or_else(|| member("executionArn")) {
        let name = format!("execution {}", arn.rsplit(':').next().unwrap_or_default());
        let inner = member("Cause").or_else(|| member("cause")).map(cause_text);
        let error = member("Error").or_else(|| member("error")).or_else(|| member("Status")).map(str::to_owned);
        [Some(name), error, inner].into_iter().flatten().collect()
    } else if let Some(state) = member("JobRunState") {
        let name = format!("Glue job {}", member("JobName").unwrap_or_default());
        [Some(name), Some(state.to_owned()), member("ErrorMessage").map(str::to_owned)].into_iter().flatten().collect()
    } else if json["Step"]["Status"].is_object() {
        let status = &json["Step"]["Status"];
        let reason =
            status["FailureDetails"]["Reason"].as_str().or_else(|| status["StateChangeReason"]["Message"].as_str());
        let name = format!("EMR step {}", json["Step"]["Id"].as_str().unwrap_or_default());
        [Some(name), status["State"].as_str().map(str::to_owned), reason.map(str::to_owned)]
            .into_iter()
            .flatten()
            .collect()
    } else {
        vec![cause.to_owned()]
    };
    text::head(&words.join(": "), 900)
}

/// What a failing state had started, to be looked into next.
#[derive(Debug, PartialEq)]
enum Inner {
    Execution(String),
    MapRun(String),
    GlueRun { job: String, run: Value },
    EmrStep { cluster: String, step: Value },
}

fn follow(failure: &Failure, events: &[Value]) -> Option<Inner> {
    let cause: Value = serde_json::from_str(&failure.cause).unwrap_or(Value::Null);
    for source in [&cause, &failure.submitted] {
        if let Some(arn) = source["ExecutionArn"].as_str().or_else(|| source["executionArn"].as_str()) {
            return Some(Inner::Execution(arn.to_owned()));
        }
        if source["JobRunState"].is_string()
            && let Some(job) = source["JobName"].as_str().or_else(|| failure.parameters["JobName"].as_str())
        {
            return Some(Inner::GlueRun { job: job.to_owned(), run: source.clone() });
        }
        if source["Step"]["Id"].is_string()
            && let Some(cluster) = failure.parameters["ClusterId"].as_str()
        {
            return Some(Inner::EmrStep { cluster: cluster.to_owned(), step: source["Step"].clone() });
        }
    }
    // A distributed Map names its failed children only by the run that holds them.
    let failed_map = events.iter().any(|event| event["type"] == "MapRunFailed");
    let map_run = events.iter().find_map(|event| event["mapRunStartedEventDetails"]["mapRunArn"].as_str());
    map_run.filter(|_| failed_map && failure.submitted.is_null()).map(|arn| Inner::MapRun(arn.to_owned()))
}

async fn failed_child<A: Aws>(aws: &A, map_run: &str) -> Option<String> {
    let body = json!({"mapRunArn": map_run, "statusFilter": "FAILED", "maxResults": 1});
    let reply = aws.call("sfn", "ListExecutions", &body).await.ok()?;
    reply["executions"][0]["executionArn"].as_str().map(str::to_owned)
}

async fn follow_job<A: Aws>(aws: &A, inner: Inner, findings: &mut Findings) {
    let mut found = Findings::default();
    match &inner {
        Inner::GlueRun { job, run } => {
            let id = run["Id"].as_str().or_else(|| run["JobRunId"].as_str()).unwrap_or_default();
            let state = run["JobRunState"].as_str().unwrap_or_default();
            let ended = Ended { kind: "glue_job_run", parent: Some(job), id, state, detail: run };
            glue::diagnose::job_run(aws, &ended, &mut found).await;
        }
        Inner::EmrStep { cluster, step } => {
            let id = step["Id"].as_str().unwrap_or_default();
            let state = step["Status"]["State"].as_str().unwrap_or_default();
            let ended = Ended { kind: "emr_step", parent: Some(cluster), id, state, detail: step };
            emr::diagnose::step(aws, &ended, &mut found).await;
        }
        Inner::Execution(_) | Inner::MapRun(_) => {}
    }
    findings.cause(found.cause.as_deref().unwrap_or_default());
    findings.logs = found.logs.or(findings.logs.take());
}

#[cfg(test)]
#[path = "diagnose_tests.rs"]
mod tests;
