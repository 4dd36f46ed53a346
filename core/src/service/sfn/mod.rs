//! Step Functions.

use crate::service::operations;
use crate::Session;

operations!("sfn", client => {
    "StartExecution" => start_execution,
    "DescribeExecution" => describe_execution,
    "ListExecutions" => list_executions,
    "StopExecution" => stop_execution,
    "RedriveExecution" => redrive_execution,
    "GetExecutionHistory" => get_execution_history,
    "DescribeStateMachine" => describe_state_machine,
});

fn client(session: &Session) -> &aws_sdk_sfn::Client {
    session.retrying().sfn()
}
