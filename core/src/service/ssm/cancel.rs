//! Cancels SSM commands.

use serde_json::json;

use crate::error::Result;
use crate::job::Aws;

/// Cancels the command on the given instances, or on all when there are none or only `*`.
pub(crate) async fn command<A: Aws>(aws: &A, command: &str, instances: &[String]) -> Result<()> {
    let mut body = json!({"CommandId": command});
    if !instances.is_empty() && instances != ["*"] {
        body["InstanceIds"] = json!(instances);
    }
    let Err(error) = aws.call("ssm", "CancelCommand", &body).await else {
        return Ok(());
    };
    let reply = aws.call("ssm", "ListCommands", &json!({"CommandId": command})).await;
    let ended = reply.is_ok_and(|reply| {
        matches!(
            reply["Commands"][0]["Status"].as_str(),
            Some("Success" | "Cancelled" | "Cancelling" | "Failed" | "TimedOut" | "Cancelled due to timeout")
        )
    });
    if ended { Ok(()) } else { Err(error) }
}
