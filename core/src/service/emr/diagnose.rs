//! Why an EMR step or cluster failed: EMR's own reason, then the logs in S3.

use serde_json::{Value, json};

use crate::diagnose::{Ended, Findings, text};
use crate::job::Aws;

/// How much of a log is read for its exception.
const LOG_TAIL: usize = 64 * 1024;

pub(crate) async fn step<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let detail = step_detail(job.detail);
    let mut status = detail["Status"].clone();
    let failure = &status["FailureDetails"];
    findings.reason(failure["Reason"].as_str().filter(|reason| *reason != "Unknown Error."));
    findings.cause(failure["Message"].as_str().unwrap_or_default());
    let Some(cluster) = job.parent else {
        return;
    };
    if !status.is_object() {
        let body = json!({"ClusterId": cluster, "StepId": job.id});
        if let Ok(mut reply) = aws.call("emr", "DescribeStep", &body).await {
            status = reply["Step"]["Status"].take();
            step_status(&status, findings);
        }
    }
    step_status(&status, findings);
    // Steps fail together when their cluster does.
    let reply = aws.call_shared("emr", "DescribeCluster", &json!({"ClusterId": cluster})).await.unwrap_or_default();
    if job.state != "FAILED" {
        // A step is cancelled because another failed or the cluster went away.
        findings.reason(reason_of(&reply["Cluster"]["Status"]).as_deref());
    }
    let named = status["FailureDetails"]["LogFile"].as_str().and_then(s3_address);
    if let Some(log_uri) = reply["Cluster"]["LogUri"].as_str().and_then(s3_address) {
        findings.logs = Some(format!("s3://{}/{}{cluster}/steps/{}/", log_uri.0, log_uri.1, job.id));
        if job.state == "FAILED" {
            step_logs(aws, &log_uri, cluster, job.id, named, findings).await;
        }
    } else if let Some((bucket, key)) = named {
        findings.logs = Some(format!("s3://{bucket}/{key}"));
        quote(aws, &bucket, &key, "log", findings).await;
    }
}

/// The wait's detail may be the step itself or the reply around it.
fn step_detail(detail: &Value) -> &Value {
    detail.get("Step").unwrap_or(detail)
}

fn step_status(status: &Value, findings: &mut Findings) {
    let failure = &status["FailureDetails"];
    findings.reason(failure["Reason"].as_str().filter(|reason| *reason != "Unknown Error."));
    findings.reason(status["StateChangeReason"]["Message"].as_str());
    findings.reason(failure["Reason"].as_str());
    findings.cause(failure["Message"].as_str().unwrap_or_default());
}

/// The log that EMR names first, then the step's own, then the driver's when it ran on the cluster.
async fn step_logs<A: Aws>(
    aws: &A,
    (bucket, prefix): &(String, String),
    cluster: &str,
    step: &str,
    named: Option<(String, String)>,
    findings: &mut Findings,
) {
    if let Some((bucket, key)) = &named
        && !key.contains(&format!("/steps/{step}/"))
    {
        quote(aws, bucket, key, "log", findings).await;
    }
    let folder = format!("{prefix}{cluster}/steps/{step}/");
    let mut own = String::new();
    for name in ["stderr", "stdout", "controller"] {
        let log = read(aws, bucket, &format!("{folder}{name}")).await;
        own.push_str(&log);
        let telling = text::exception(&log).is_some();
        if name == "stderr" || telling || findings.cause.is_none() {
            findings.log(name, &log);
        }
        if telling {
            return;
        }
    }
    if let Some(application) = application_id(&own) {
        driver_log(aws, bucket, &format!("{prefix}{cluster}/containers/{application}/"), findings).await;
    }
}

/// In cluster mode the step's stderr is YARN's client; the program wrote to the first container.
async fn driver_log<A: Aws>(aws: &A, bucket: &str, prefix: &str, findings: &mut Findings) {
    let keys = aws.object_keys(bucket, prefix).await.unwrap_or_default();
    for name in ["stdout", "stderr"] {
        let driver = keys.iter().rfind(|key| {
            let file = key.rsplit('/').next().unwrap_or_default();
            key.contains("_000001/") && (file == name || file.strip_suffix(".gz") == Some(name))
        });
        let Some(key) = driver else {
            continue;
        };
        let log = aws.object_tail(bucket, key, LOG_TAIL).await.unwrap_or_default();
        if let Some(exception) = text::exception(&log) {
            findings.cause(&exception);
            return;
        }
    }
}

/// The newest YARN application that a log names.
fn application_id(log: &str) -> Option<&str> {
    let at = log.rfind("application_")?;
    let rest = &log[at..];
    let end = rest["application_".len()..]
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .map_or(rest.len(), |end| end + "application_".len());
    let id = &rest[..end];
    (id.matches('_').count() == 2).then_some(id)
}

async fn read<A: Aws>(aws: &A, bucket: &str, key: &str) -> String {
    for key in [format!("{key}.gz"), key.to_owned()] {
        if let Ok(log) = aws.object_tail(bucket, &key, LOG_TAIL).await {
            return log;
        }
    }
    String::new()
}

async fn quote<A: Aws>(aws: &A, bucket: &str, key: &str, title: &str, findings: &mut Findings) {
    if let Ok(log) = aws.object_tail(bucket, key, LOG_TAIL).await {
        findings.log(title, &log);
    }
}

pub(crate) async fn job_flow<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let detail = job.detail.get("Cluster").unwrap_or(job.detail);
    let mut cluster = detail.clone();
    findings.reason(reason_of(&cluster["Status"]).as_deref());
    if cluster["LogUri"].is_null() || cluster["Status"]["ErrorDetails"].is_null() {
        // A list's entry has neither the log's address nor the error's details.
        if let Ok(mut reply) = aws.call("emr", "DescribeCluster", &json!({"ClusterId": job.id})).await {
            cluster = reply["Cluster"].take();
            findings.reason(reason_of(&cluster["Status"]).as_deref());
        }
    }
    for error in cluster["Status"]["ErrorDetails"].as_array().into_iter().flatten() {
        findings.cause(&error_detail(error));
    }
    let log_uri = cluster["LogUri"].as_str().and_then(s3_address);
    if let Some((bucket, prefix)) = &log_uri {
        findings.logs = Some(format!("s3://{bucket}/{prefix}{}/", job.id));
    }
    let code = cluster["Status"]["StateChangeReason"]["Code"].as_str().unwrap_or_default().to_owned();
    if code == "BOOTSTRAP_FAILURE"
        && let Some((bucket, prefix)) = &log_uri
    {
        bootstrap_log(aws, bucket, &format!("{prefix}{}/node/", job.id), findings).await;
    }
    if code != "BOOTSTRAP_FAILURE" {
        failed_step(aws, job, findings).await;
    }
}

/// The reason's message, or its code where there is no message.
fn reason_of(status: &Value) -> Option<String> {
    let reason = &status["StateChangeReason"];
    let (code, message) = (reason["Code"].as_str().unwrap_or_default(), reason["Message"].as_str().unwrap_or_default());
    match (code, message) {
        ("", "") => None,
        (code, "") => Some(code.to_owned()),
        ("", message) => Some(message.to_owned()),
        (code, message) => Some(format!("{code}: {message}")),
    }
}

fn error_detail(error: &Value) -> String {
    let mut line = error["ErrorCode"].as_str().unwrap_or("error").to_owned();
    if let Some(message) = error["ErrorMessage"].as_str() {
        line = format!("{line}: {message}");
    }
    for (name, value) in error["ErrorData"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        line.push_str(&format!("\n  {name}: {value}"));
    }
    text::head(&line, 1500)
}

/// Node logs of a bootstrap action lie under node/<instance>/bootstrap-actions/<n>/.
async fn bootstrap_log<A: Aws>(aws: &A, bucket: &str, prefix: &str, findings: &mut Findings) {
    let keys = aws.object_keys(bucket, prefix).await.unwrap_or_default();
    let of = |name: &str| {
        keys.iter().rfind(|key| key.contains("/bootstrap-actions/") && key.trim_end_matches(".gz").ends_with(name))
    };
    for name in ["stderr", "stdout"] {
        if let Some(key) = of(name) {
            quote(aws, bucket, key, &format!("bootstrap action's {name}"), findings).await;
            return;
        }
    }
}

/// Names the step that brought the cluster down, with its own cause.
async fn failed_step<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let body = json!({"ClusterId": job.id, "StepStates": ["FAILED"]});
    let Ok(reply) = aws.call("emr", "ListSteps", &body).await else {
        return;
    };
    // Listed newest first; the first to fail is the cause, the others follow from it.
    let Some(failed) = reply["Steps"].as_array().and_then(|steps| steps.last()) else {
        return;
    };
    let id = failed["Id"].as_str().unwrap_or_default();
    let mut inner = Findings::default();
    let ended = Ended { kind: "emr_step", parent: Some(job.id), id, state: "FAILED", detail: failed };
    step(aws, &ended, &mut inner).await;
    let name = failed["Name"].as_str().unwrap_or_default();
    let reason = inner.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    findings.cause(&format!("step {id} ({name}) failed{reason}"));
    findings.cause(inner.cause.as_deref().unwrap_or_default());
    findings.logs = inner.logs.or(findings.logs.take());
}

/// Bucket and key of an `s3://`, `s3a://` or `s3n://` address; a folder's key ends in a slash.
fn s3_address(address: &str) -> Option<(String, String)> {
    let (scheme, rest) = address.split_once("://")?;
    if !matches!(scheme, "s3" | "s3a" | "s3n") {
        return None;
    }
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let last = key.rsplit('/').next().unwrap_or_default();
    let file = last.ends_with(".gz") || matches!(last, "stderr" | "stdout" | "controller" | "syslog");
    let key = if key.is_empty() || key.ends_with('/') || file { key.to_owned() } else { format!("{key}/") };
    (!bucket.is_empty()).then(|| (bucket.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_applications() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(s3_address("s3n://logs/emr"), pair("logs", "emr/"));
        assert_eq!(s3_address("s3://logs"), pair("logs", ""));
        assert_eq!(s3_address("s3://logs/j-1/steps/s-1/stderr.gz"), pair("logs", "j-1/steps/s-1/stderr.gz"));
        assert_eq!(s3_address("hdfs://x/y"), None);
        let log =
            "Submitted application application_1700000000000_0001\nfinal status application_1700000000000_0002: x";
        assert_eq!(application_id(log), Some("application_1700000000000_0002"));
        assert_eq!(application_id("my application_x"), None);
    }

    #[test]
    fn error_details_are_spelled_out() {
        let error = json!({"ErrorCode": "BOOTSTRAP_FAILURE_BA", "ErrorMessage": "exit 1",
                           "ErrorData": [{"instance-id": "i-1", "bootstrap-action": "1"}]});
        assert_eq!(error_detail(&error), "BOOTSTRAP_FAILURE_BA: exit 1\n  instance-id: i-1\n  bootstrap-action: 1");
    }
}
