//! Step Functions.

pub(crate) mod cancel;
pub(crate) mod diagnose;
mod history;
pub(crate) mod probe;
pub(crate) mod start;
pub mod states;

use crate::Session;
use crate::service::operations;

operations!("sfn", client, "AWSStepFunctions" by tag_resource: [
    "CreateActivity",
    "CreateStateMachine",
    "CreateStateMachineAlias",
    "DeleteActivity",
    "DeleteStateMachine",
    "DeleteStateMachineAlias",
    "DeleteStateMachineVersion",
    "DescribeActivity",
    "DescribeExecution",
    "DescribeMapRun",
    "DescribeStateMachine",
    "DescribeStateMachineAlias",
    "DescribeStateMachineForExecution",
    "GetActivityTask",
    "GetExecutionHistory",
    "ListActivities",
    "ListExecutions",
    "ListMapRuns",
    "ListStateMachineAliases",
    "ListStateMachineVersions",
    "ListStateMachines",
    "ListTagsForResource",
    "PublishStateMachineVersion",
    "RedriveExecution",
    "SendTaskFailure",
    "SendTaskHeartbeat",
    "SendTaskSuccess",
    "StartExecution",
    "StopExecution",
    "TagResource",
    "UntagResource",
    "UpdateMapRun",
    "UpdateStateMachine",
    "UpdateStateMachineAlias",
    "ValidateStateMachineDefinition",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_sfn::Client {
    if once { session.sfn() } else { session.retrying().sfn() }
}
