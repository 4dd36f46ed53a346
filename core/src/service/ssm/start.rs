//! Sends SSM commands, and finds them again by the key in their comments.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::job::{
    Aws, Found, Key, Outcome, Search, Start, Started, labelled, look, newest, request_member, text_member,
};

/// SSM's limit for a comment.
const COMMENT_LIMIT: usize = 100;
/// Pages of 50 that are searched at most.
const MAX_PAGES: usize = 20;

pub(crate) struct Command;

impl Start for Command {
    const SERVICE: &'static str = "ssm";
    const OPERATION: &'static str = "SendCommand";
    const FIND_PERMISSION: &'static str = "ssm:ListCommands";

    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        let document = request_member(request, Self::OPERATION, "DocumentName")?;
        let mark = format!("[{}]", key.as_str());
        let mut body = json!({"MaxResults": 50});
        for _ in 0..MAX_PAGES {
            let page = look(aws, "ssm", "ListCommands", &body).await?;
            let commands = page["Commands"].as_array().map_or(&[][..], Vec::as_slice);
            let ours = commands.iter().filter(|command| {
                command["Comment"].as_str().is_some_and(|comment| comment.ends_with(&mark))
                    && key.covers(&command["RequestedDateTime"])
                    && names_document(document, command["DocumentName"].as_str().unwrap_or_default())
            });
            if let Some(command) = newest(ours, "RequestedDateTime") {
                return Ok(Search { found: Some(found(command)), attempt: 0 });
            }
            // Pages come newest first.
            if commands.iter().any(|command| !key.covers(&command["RequestedDateTime"])) {
                break;
            }
            match page["NextToken"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => body["NextToken"] = json!(token),
                None => break,
            }
        }
        Ok(Search::default())
    }

    fn marked(&self, request: &Value, key: Key<'_>, _attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        let comment = request["Comment"].as_str().unwrap_or_default();
        request["Comment"] = json!(labelled(comment, key.as_str(), COMMENT_LIMIT));
        Ok(request)
    }

    fn started(&self, _request: &Value, response: Value) -> Result<Started> {
        if !response["Command"].is_object() {
            return Err(Error::internal("SendCommand: the reply has no Command"));
        }
        let id = text_member(&response["Command"], "CommandId", Self::OPERATION)?;
        let ids = instances(&response["Command"]);
        Ok(Started { ids, parent: Some(id), reattached: None, response, since: None, notice: None })
    }
}

/// A request may name a document by its ARN, where the list has its name.
fn names_document(asked: &str, listed: &str) -> bool {
    asked == listed || asked.ends_with(&format!("/{listed}")) || listed.ends_with(&format!("/{asked}"))
}

/// The instances named in the request; none when it chose them by targets, which are resolved later.
fn instances(command: &Value) -> Vec<String> {
    let ids = command["InstanceIds"].as_array().into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn found(command: &Value) -> Found {
    let outcome = match command["Status"].as_str().unwrap_or_default() {
        "Success" => Outcome::Succeeded,
        "Pending" | "InProgress" | "Delayed" => Outcome::Pending,
        _ => Outcome::Failed,
    };
    Found {
        ids: instances(command),
        parent: command["CommandId"].as_str().map(str::to_owned),
        outcome,
        response: json!({"Command": command}),
    }
}
