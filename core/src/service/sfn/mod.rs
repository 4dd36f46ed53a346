//! Step Functions.

pub(crate) mod probe;

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
