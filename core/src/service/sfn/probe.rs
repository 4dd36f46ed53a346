//! Observes Step Functions executions.

use aws_sdk_sfn::types::ExecutionStatus;

use super::states;
use crate::error::{Error, Result};
use crate::service::watch::{Capture, Probe};
use crate::session::Session;
use crate::wait::remote::{Ask, Page, Seen};

pub(crate) static EXECUTION: Probe = Probe {
    kind: &states::EXECUTION,
    one: |session, _, arn| Box::pin(describe(session, arn)),
    page: |session, machine, ask| Box::pin(list(session, machine, ask)),
    whole: None,
    follow: None,
};

async fn describe(session: &Session, arn: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.sfn().describe_execution().execution_arn(arn).customize().interceptor(reply.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("sfn", "DescribeExecution", e))?;
    Ok(Seen::new(states::EXECUTION.states.intern(output.status().as_str())).with_detail(reply.json()))
}

async fn list(session: &Session, machine: Option<&str>, ask: &Ask) -> Result<Page> {
    let call = session
        .sfn()
        .list_executions()
        .set_state_machine_arn(machine.map(str::to_owned))
        .status_filter(ExecutionStatus::Running)
        .max_results(1000)
        .set_next_token(ask.token.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("sfn", "ListExecutions", e))?;
    let next = output.next_token;
    let items = output.executions.into_iter().map(|entry| {
        let seen = Seen::new(states::EXECUTION.states.intern(entry.status.as_str()));
        (entry.execution_arn, seen)
    });
    Ok(Page { items: items.collect(), next, ..Page::default() })
}
