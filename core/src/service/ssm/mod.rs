//! Systems Manager.

pub(crate) mod cancel;
pub(crate) mod diagnose;
pub(crate) mod probe;
pub(crate) mod start;
pub mod states;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::service::operations;

operations!("ssm", client, "AmazonSSM" by delete_parameter: [
    "AddTagsToResource",
    "CancelCommand",
    "CreateDocument",
    "DeleteDocument",
    "DeleteInventory",
    "DeleteParameter",
    "DeleteParameters",
    "DescribeAutomationExecutions",
    "DescribeAutomationStepExecutions",
    "DescribeDocument",
    "DescribeInstanceInformation",
    "DescribeInstancePatchStates",
    "DescribeInstancePatchStatesForPatchGroup",
    "DescribeParameters",
    "GetAutomationExecution",
    "GetCommandInvocation",
    "GetDocument",
    "GetInventory",
    "GetParameter",
    "GetParameterHistory",
    "GetParameters",
    "GetParametersByPath",
    "LabelParameterVersion",
    "ListCommandInvocations",
    "ListCommands",
    "ListDocuments",
    "ListTagsForResource",
    "PutInventory",
    "PutParameter",
    "RemoveTagsFromResource",
    "SendAutomationSignal",
    "SendCommand",
    "StartAutomationExecution",
    "StopAutomationExecution",
    "UnlabelParameterVersion",
    "UpdateDocument",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_ssm::Client {
    if once { session.ssm() } else { session.retrying().ssm() }
}
