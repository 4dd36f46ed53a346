//! Step Functions executions: their states and the calls that tell them.

use crate::wait::kind::{Api, Kind, List, Pages, StateTable};

// The quotas of the larger regions; in the others (250/10 and 100/2) the
// budget halves itself when AWS throttles.
static DESCRIBE_EXECUTION: Api = Api {
    service: "sfn",
    name: "DescribeExecution",
    permission: "states:DescribeExecution",
    burst: 300.0,
    refill: 15.0,
    account: None,
};
static LIST_EXECUTIONS: Api = Api {
    service: "sfn",
    name: "ListExecutions",
    permission: "states:ListExecutions",
    burst: 200.0,
    refill: 5.0,
    account: None,
};
/// Asked when an execution has failed.
pub static GET_EXECUTION_HISTORY: Api = Api {
    service: "sfn",
    name: "GetExecutionHistory",
    permission: "states:GetExecutionHistory",
    burst: 400.0,
    refill: 20.0,
    account: None,
};

pub static EXECUTION: Kind = Kind {
    name: "sfn_execution",
    states: StateTable {
        pending: &["RUNNING", "PENDING_REDRIVE"],
        success: &["SUCCEEDED"],
        failure: &["FAILED", "TIMED_OUT", "ABORTED"],
    },
    single: &DESCRIBE_EXECUTION,
    whole: None,
    list: Some(List {
        api: &LIST_EXECUTIONS,
        ids: None,
        pages: Some(Pages { size: 1000, active_only: true }),
        items: None,
        needs_parent: true,
    }),
    parent_of: Some(state_machine),
    console: |region, _, arn| Some(format!("states/home?region={region}#/v2/executions/details/{arn}")),
};

/// The ARN of the state machine that a STANDARD execution belongs to.
///
/// EXPRESS executions (`express:`) and children of a distributed map
/// (`execution:machine/label:`) are in no list of their machine: `None`.
pub fn state_machine(execution: &str) -> Option<String> {
    let mut parts = execution.splitn(8, ':');
    let prefix: Vec<&str> = parts.by_ref().take(5).collect();
    match (prefix.as_slice(), parts.next(), parts.next(), parts.next()) {
        (["arn", _, "states", _, _], Some("execution"), Some(machine), Some(_)) if !machine.contains('/') => {
            Some(format!("{}:stateMachine:{machine}", prefix.join(":")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::state_machine;

    #[test]
    fn the_machine_is_read_from_the_execution() {
        assert_eq!(
            state_machine("arn:aws-cn:states:cn-north-1:123456789012:execution:transform:run-1").as_deref(),
            Some("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:transform")
        );
    }

    #[test]
    fn what_is_in_no_list_has_no_machine() {
        for arn in [
            "arn:aws:states:us-east-1:123456789012:express:transform:run-1:uuid",
            "arn:aws:states:us-east-1:123456789012:execution:transform/map:run-1",
            "arn:aws:states:us-east-1:123456789012:execution:transform",
            "arn:aws:lambda:us-east-1:123456789012:execution:transform:run-1",
            "run-1",
            "",
        ] {
            assert_eq!(state_machine(arn), None, "{arn}");
        }
    }
}
