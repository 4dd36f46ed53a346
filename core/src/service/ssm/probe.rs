//! Observes SSM command invocations.

use aws_sdk_ssm::types::{Command, CommandInvocation, CommandInvocationStatus, CommandStatus};
use serde_json::{Value, json};

use super::states;
use crate::error::{Error, Result};
use crate::service::watch::{Capture, Probe, state};
use crate::session::Session;
use crate::wait::kind::Phase;
use crate::wait::metered::Metered;
use crate::wait::remote::{Ask, Page, Part, Seen};

pub(crate) static COMMAND: Probe = Probe {
    kind: &states::COMMAND,
    one: |session, command, id| Box::pin(get_invocation(session, command, id)),
    page: |session, command, ask| Box::pin(list_invocations(session, command, ask)),
    whole: Some(|session, command, metered| Box::pin(whole(session, command, metered))),
    follow: None,
};

async fn get_invocation(session: &Session, command: Option<&str>, instance: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.ssm().get_command_invocation().set_command_id(command.map(str::to_owned)).instance_id(instance);
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("ssm", "GetCommandInvocation", e))?;
    let name = state(&states::COMMAND, instance, output.status().map(CommandInvocationStatus::as_str))?;
    Ok(Seen::new(states::COMMAND.states.intern(name)).with_detail(reply.json()))
}

async fn list_invocations(session: &Session, command: Option<&str>, ask: &Ask) -> Result<Page> {
    let call = session
        .ssm()
        .list_command_invocations()
        .set_command_id(command.map(str::to_owned))
        .max_results(50)
        .set_next_token(ask.token.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("ssm", "ListCommandInvocations", e))?;
    let entries = output.command_invocations().iter().filter_map(|entry| Some((entry.instance_id()?, entry)));
    let items = entries.map(|(id, entry)| {
        let name = state(&states::COMMAND, id, entry.status().map(CommandInvocationStatus::as_str))?;
        Ok((id.to_owned(), Seen::new(states::COMMAND.states.intern(name))))
    });
    Ok(Page { items: items.collect::<Result<_>>()?, next: output.next_token, ..Page::default() })
}

/// The state of a command on all its instances: the first failure, else the
/// first that is pending, else success.
async fn whole(session: &Session, command: &str, metered: &Metered) -> Result<Seen> {
    let mut parts: Vec<Part> = Vec::new();
    let mut token = None;
    loop {
        let reply = Capture::default();
        let call = session.ssm().list_command_invocations().command_id(command).details(true).set_next_token(token);
        let sent = Box::pin(call.max_results(50).customize().interceptor(reply.clone()).send());
        let answer = async { sent.await.map_err(|e| Error::from_sdk("ssm", "ListCommandInvocations", e)) };
        let output = metered.call(&states::LIST_COMMAND_INVOCATIONS, answer).await?;
        let raw = reply.json();
        let details = raw["CommandInvocations"].as_array().cloned().unwrap_or_default();
        for (entry, detail) in output.command_invocations().iter().zip(details) {
            parts.push(part(entry, detail)?);
        }
        token = output.next_token;
        if token.is_none() {
            break;
        }
    }
    let has =
        |phase: Phase| parts.iter().find(|part| states::COMMAND.states.phase(&part.state).is_none_or(|p| p == phase));
    let state = match has(Phase::Failure).or_else(|| has(Phase::Pending)) {
        Some(part) => part.state.clone(),
        // All that is listed is done, if anything is: the command knows whether more is to come.
        None => match metered.call(&states::LIST_COMMANDS, command_state(session, command)).await? {
            (CommandStatus::Pending | CommandStatus::InProgress | CommandStatus::Cancelling, _) => {
                "InProgress".to_owned()
            }
            (CommandStatus::Success, _) if !parts.is_empty() => "Success".to_owned(),
            // It reached no instance.
            (CommandStatus::Success, 0) => "Failed".to_owned(),
            // Its instances are not listed yet.
            (CommandStatus::Success, _) => "Pending".to_owned(),
            (ended, _) => ended.as_str().to_owned(),
        },
    };
    let details: Vec<&Value> = parts.iter().map(|part| &part.detail).collect();
    let detail = json!({"CommandId": command, "CommandInvocations": details});
    Ok(Seen { parts, ..Seen::new(states::COMMAND.states.intern(&state)).with_detail(detail) })
}

fn part(entry: &CommandInvocation, detail: Value) -> Result<Part> {
    let id = entry.instance_id().unwrap_or_default();
    let name = state(&states::COMMAND, id, entry.status().map(CommandInvocationStatus::as_str))?;
    Ok(Part { id: id.to_owned(), state: name.to_owned(), detail })
}

/// The command's own state and how many instances it is meant for.
async fn command_state(session: &Session, command: &str) -> Result<(CommandStatus, i32)> {
    let call = session.ssm().list_commands().command_id(command);
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("ssm", "ListCommands", e))?;
    let found = output.commands().first();
    let status = found.and_then(Command::status).cloned();
    // A command that is not listed yet has not begun.
    Ok((status.unwrap_or(CommandStatus::Pending), found.map_or(0, Command::target_count)))
}
