//! Systems Manager.

pub(crate) mod cancel;
pub(crate) mod diagnose;
pub(crate) mod probe;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::service::operations;

operations!("ssm", client, "AmazonSSM" by delete_parameter: [
    "GetParameter",
    "GetParameters",
    "GetParametersByPath",
    "PutParameter",
    "SendCommand",
    "GetCommandInvocation",
    "ListCommands",
    "ListCommandInvocations",
    "CancelCommand",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_ssm::Client {
    if once { session.ssm() } else { session.retrying().ssm() }
}
