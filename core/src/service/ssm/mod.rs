//! Systems Manager.

pub(crate) mod probe;

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
