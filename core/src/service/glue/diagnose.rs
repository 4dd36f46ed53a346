//! Why a Glue job run or crawl failed: Glue's message, then the logs in CloudWatch.

use serde_json::{Value, json};

use super::logs::{DEFAULT_GROUP, PYTHON_SHELL_GROUP};
use crate::diagnose::{Ended, Findings, text};
use crate::job::Aws;

const LOG_EVENTS: u32 = 300;

pub(crate) async fn job_run<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let mut run = job.detail.get("JobRun").unwrap_or(job.detail).clone();
    if run["JobRunState"].is_null()
        && let Some(name) = job.parent
        && let Ok(mut reply) = aws.call("glue", "GetJobRun", &json!({"JobName": name, "RunId": job.id})).await
    {
        run = reply["JobRun"].take();
    }
    findings.reason(run["ErrorMessage"].as_str());
    findings.reason(run["StateDetail"].as_str());
    findings.reason(reason_by_state(&run, job.state).as_deref());
    let group = run["LogGroupName"].as_str().unwrap_or(DEFAULT_GROUP);
    findings.logs = Some(format!("CloudWatch Logs {group}/error and {group}/output, stream {}", job.id));
    if matches!(job.state, "STOPPED" | "STOPPING" | "EXPIRED") {
        return;
    }
    // Error logs of Spark jobs lie under /error, of Python shell jobs under their own group, and
    // continuous logging writes to logs-v2.
    let mut places =
        vec![(format!("{group}/error"), job.id.to_owned()), (format!("{group}/output"), job.id.to_owned())];
    places.push((format!("{group}/logs-v2"), format!("{}-driver", job.id)));
    if group == DEFAULT_GROUP {
        places.push((format!("{PYTHON_SHELL_GROUP}/error"), job.id.to_owned()));
    }
    let mut quoted = false;
    for (group, stream) in &places {
        let Some(log) = tail(aws, group, stream).await else {
            continue;
        };
        if text::exception(&log).is_some() || (!quoted && group.ends_with("/error")) {
            findings.log(group, &log);
            quoted = true;
        }
        if text::exception(&log).is_some() {
            return;
        }
    }
}

/// Glue leaves ErrorMessage empty for runs that it ended itself.
fn reason_by_state(run: &Value, state: &str) -> Option<String> {
    match (state, run["Timeout"].as_u64()) {
        ("TIMEOUT", Some(minutes)) => Some(format!("the run exceeded its Timeout of {minutes} minutes")),
        ("TIMEOUT", None) => Some("the run exceeded its Timeout".to_owned()),
        ("STOPPED", _) => Some("the run was stopped".to_owned()),
        ("EXPIRED", _) => Some("the run did not start within its window (execution class FLEX)".to_owned()),
        _ => None,
    }
}

async fn tail<A: Aws>(aws: &A, group: &str, stream: &str) -> Option<String> {
    let body = json!({"logGroupName": group, "logStreamName": stream, "startFromHead": false, "limit": LOG_EVENTS});
    let reply = aws.call("logs", "GetLogEvents", &body).await.ok()?;
    let mut log = String::new();
    for event in reply["events"].as_array()? {
        log.push_str(event["message"].as_str().unwrap_or_default().trim_end());
        log.push('\n');
    }
    (!log.is_empty()).then_some(log)
}

pub(crate) async fn crawler<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let mut crawler = job.detail.get("Crawler").unwrap_or(job.detail).clone();
    if crawler["LastCrawl"].is_null()
        && let Ok(mut reply) = aws.call("glue", "GetCrawler", &json!({"Name": job.id})).await
    {
        crawler = reply["Crawler"].take();
    }
    let crawl = &crawler["LastCrawl"];
    findings.reason(crawl["ErrorMessage"].as_str());
    if crawl["Status"] == "CANCELLED" {
        findings.reason(Some("the crawl was cancelled"));
    }
    let (Some(group), Some(stream)) = (crawl["LogGroup"].as_str(), crawl["LogStream"].as_str()) else {
        return;
    };
    findings.logs = Some(format!("CloudWatch Logs {group}, stream {stream}"));
    if let Some(log) = tail(aws, group, stream).await {
        // One stream holds all crawls of the crawler; each line carries its crawl's prefix.
        let prefix = crawl["MessagePrefix"].as_str().unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(prefix)).collect();
        let errors: Vec<&str> = lines.iter().copied().filter(|line| line.contains("ERROR")).collect();
        findings.log("crawl log", &(if errors.is_empty() { lines } else { errors }).join("\n"));
    }
}
