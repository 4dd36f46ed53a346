//! Step Functions.

pub(crate) mod probe;

use crate::Session;
use crate::service::operations;

operations!("sfn", client => {
    "StartExecution" => start_execution,
    "DescribeExecution" => describe_execution,
    "ListExecutions" => list_executions,
    "StopExecution" => stop_execution,
    "RedriveExecution" => redrive_execution,
    "GetExecutionHistory" => get_execution_history,
    "DescribeStateMachine" => describe_state_machine,
});

fn client(session: &Session, once: bool) -> &aws_sdk_sfn::Client {
    if once { session.sfn() } else { session.retrying().sfn() }
}
