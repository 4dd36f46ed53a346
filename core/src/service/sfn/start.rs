//! Starts Step Functions executions. The key is the execution's name, unique in its state machine.
//!
//! Express workflows have no unique names: starting one twice runs it twice, and nothing can be
//! found again.

use serde_json::{Value, json};

use crate::error::{Class, Error, Result};
use crate::job::{Aws, Found, Key, Outcome, Search, Start, Started, look, request_member, text_member};

/// Names under one key that are looked at before AWS is left to say which are taken.
const MAX_ATTEMPTS: u32 = 50;
/// How DescribeExecution refuses an execution of an Express workflow, which it knows nothing of.
const EXPRESS: [&str; 2] = ["InvalidArn", "StateMachineTypeNotSupported"];
/// Step Functions' limit for a name.
const NAME_LIMIT: usize = 80;

pub(crate) struct Execution;

impl Start for Execution {
    const SERVICE: &'static str = "sfn";
    const OPERATION: &'static str = "StartExecution";
    const FIND_PERMISSION: &'static str = "states:DescribeExecution";

    /// A name that the user chose is left to AWS: a running execution of that name with the same
    /// input is returned by StartExecution itself, and one that has ended may be of another day.
    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        if !request["name"].is_null() {
            return Ok(Search::default());
        }
        let machine = request_member(request, Self::OPERATION, "stateMachineArn")?;
        let mut search = Search::default();
        // Up to the last: the first of the names may have been another deployment's.
        while search.attempt < MAX_ATTEMPTS {
            let Some(found) = describe(aws, machine, key, search.attempt).await? else { break };
            search.found = key.covers(&found.response["startDate"]).then_some(found);
            search.attempt += 1;
        }
        Ok(search)
    }

    /// StartExecution with the name and input of an execution that runs gives that one for a new one.
    async fn unused<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<u32> {
        Ok(self.find(aws, request, key).await?.attempt)
    }

    fn marked(&self, request: &Value, key: Key<'_>, attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        if request["name"].is_null() {
            request["name"] = json!(name(key, attempt));
        }
        Ok(request)
    }

    fn started(&self, _request: &Value, response: Value) -> Result<Started> {
        let arn = text_member(&response, "executionArn", Self::OPERATION)?;
        Ok(Started { parent: machine_of(&arn), ids: vec![arn], reattached: None, response, since: None, notice: None })
    }

    fn taken(&self, request: &Value, error: &Error) -> bool {
        request["name"].is_null() && matches!(error, Error::Aws(error) if error.code == "ExecutionAlreadyExists")
    }
}

async fn describe<A: Aws>(aws: &A, machine: &str, key: Key<'_>, attempt: u32) -> Result<Option<Found>> {
    let Some(arn) = execution_arn(machine, &name(key, attempt)) else {
        return Ok(None);
    };
    let reply = match look(aws, "sfn", "DescribeExecution", &json!({"executionArn": arn})).await {
        Ok(reply) => reply,
        Err(Error::Aws(error)) if error.class == Class::NotFound || EXPRESS.contains(&error.code.as_str()) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let outcome = match reply["status"].as_str().unwrap_or_default() {
        "SUCCEEDED" => Outcome::Succeeded,
        "FAILED" | "TIMED_OUT" | "ABORTED" => Outcome::Failed,
        _ => Outcome::Pending,
    };
    Ok(Some(Found {
        parent: machine_of(&arn),
        outcome,
        response: json!({"executionArn": arn, "startDate": reply["startDate"]}),
        ids: vec![arn],
    }))
}

/// The name of the first attempt is the key itself. Where a number no longer fits behind it, the
/// key loses its beginning: the end of a key is what tells it from others.
fn name(key: Key<'_>, attempt: u32) -> String {
    if attempt == 0 {
        return key.as_str().to_owned();
    }
    let suffix = format!("-{attempt}");
    let cut = (key.as_str().len() + suffix.len()).saturating_sub(NAME_LIMIT);
    format!("{}{suffix}", &key.as_str()[cut..])
}

/// `arn:aws:states:R:A:stateMachine:M[:version or alias]` -> `arn:aws:states:R:A:execution:M:name`.
fn execution_arn(machine: &str, name: &str) -> Option<String> {
    let parts: Vec<&str> = machine.split(':').collect();
    (parts.len() >= 7 && parts[5] == "stateMachine")
        .then(|| format!("{}:execution:{}:{name}", parts[..5].join(":"), parts[6]))
}

/// The state machine of an execution, without version or alias.
pub(crate) fn machine_of(execution: &str) -> Option<String> {
    let parts: Vec<&str> = execution.split(':').collect();
    (parts.len() >= 8 && matches!(parts[5], "execution" | "express"))
        .then(|| format!("{}:stateMachine:{}", parts[..5].join(":"), parts[6]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        let long = format!("task-{}", "0123456789".repeat(8))[..80].to_owned();
        let key = Key::new(&long, None).unwrap();
        assert_eq!(name(key, 0), long);
        assert_eq!(name(key, 12), format!("{}-12", &long[3..]));
        assert_eq!(name(Key::new("k", None).unwrap(), 1), "k-1");
    }

    #[test]
    fn arns_of_executions_and_machines() {
        let machine = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:Flow";
        let arn = execution_arn(machine, "k-1").unwrap();
        assert_eq!(arn, "arn:aws-cn:states:cn-north-1:123456789012:execution:Flow:k-1");
        assert_eq!(execution_arn(&format!("{machine}:prod"), "k-1").unwrap(), arn);
        assert_eq!(machine_of(&arn).as_deref(), Some(machine));
        assert_eq!(machine_of(&arn.replace("execution", "express")).as_deref(), Some(machine));
        assert_eq!(execution_arn("Flow", "k"), None);
        assert_eq!(machine_of("nonsense"), None);
    }
}
