//! Why an SSM command failed on an instance: its status, exit code and what it wrote.

use serde_json::{Value, json};

use crate::diagnose::{Ended, Findings};
use crate::job::Aws;

/// `id` is the instance; for the command itself or `*`, the first instance that failed is taken.
pub(crate) async fn command<A: Aws>(aws: &A, job: &Ended<'_>, findings: &mut Findings) {
    let command = job.parent.unwrap_or(job.id);
    let instance =
        if job.id == command || job.id == "*" { first_failed(aws, command).await } else { Some(job.id.to_owned()) };
    let mut invocation = job.detail.get("CommandInvocation").unwrap_or(job.detail).clone();
    if let Some(instance) = instance {
        let body = json!({"CommandId": command, "InstanceId": instance});
        match aws.call("ssm", "GetCommandInvocation", &body).await {
            Ok(reply) => invocation = reply,
            // A document of several plugins must be asked about one by one.
            Err(_) => invocation = last_plugin(&invocation).unwrap_or(invocation),
        }
    }
    findings.reason(reason(&invocation).as_deref());
    let text = |name: &str| invocation[name].as_str().unwrap_or_default();
    findings.log("stderr", text("StandardErrorContent"));
    if findings.cause.is_none() {
        findings.log("stdout", text("StandardOutputContent"));
    }
    if findings.cause.is_none() {
        findings.log("output", text("Output"));
    }
    let address = [text("StandardErrorUrl"), text("StandardOutputUrl")].into_iter().find(|url| !url.is_empty());
    findings.logs = address.map(str::to_owned);
}

fn reason(invocation: &Value) -> Option<String> {
    let status = invocation["StatusDetails"].as_str().or_else(|| invocation["Status"].as_str())?;
    Some(match invocation["ResponseCode"].as_i64() {
        Some(code) if code > 0 => format!("{status}, exit code {code}"),
        _ => status.to_owned(),
    })
}

async fn first_failed<A: Aws>(aws: &A, command: &str) -> Option<String> {
    let body = json!({"CommandId": command, "MaxResults": 50});
    let reply = aws.call("ssm", "ListCommandInvocations", &body).await.ok()?;
    let failed = reply["CommandInvocations"].as_array()?.iter().find(|invocation| {
        !matches!(invocation["Status"].as_str(), Some("Success" | "Pending" | "InProgress" | "Delayed"))
    })?;
    failed["InstanceId"].as_str().map(str::to_owned)
}

/// The last plugin that did not succeed, from a list entry with details.
fn last_plugin(invocation: &Value) -> Option<Value> {
    let plugins = invocation["CommandPlugins"].as_array()?;
    plugins.iter().rfind(|plugin| plugin["Status"] != "Success").cloned()
}
