//! Step Functions.

pub(crate) mod cancel;
pub(crate) mod diagnose;
mod history;
pub(crate) mod probe;
pub(crate) mod start;

use crate::Session;
use crate::service::operations;

operations!("sfn", client, "AWSStepFunctions" by tag_resource: [
    "StartExecution",
    "DescribeExecution",
    "ListExecutions",
    "StopExecution",
    "RedriveExecution",
    "GetExecutionHistory",
    "DescribeStateMachine",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_sfn::Client {
    if once { session.sfn() } else { session.retrying().sfn() }
}
