//! Reads an execution's history backwards: which state failed, with what, and what it had started.

use std::collections::HashMap;

use serde_json::Value;

/// One failing state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Failure {
    pub state: Option<String>,
    /// A Fail state: it declares an error, whose cause lies before it.
    pub declared: bool,
    pub error: String,
    pub cause: String,
    /// What the state's task had asked for, as JSON.
    pub parameters: Value,
    /// What the service had answered when the task was submitted, as JSON.
    pub submitted: Value,
}

/// The failing states of a history, the last one first: the one that ended the execution, then
/// those whose failure had been caught before.
pub(crate) fn failures(events: &[Value]) -> Vec<Failure> {
    let by_id: HashMap<i64, &Value> = events.iter().filter_map(|e| Some((e["id"].as_i64()?, e))).collect();
    let Some(last) = by_id.keys().max().copied() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut current: Option<Failure> = None;
    let mut ending = Failure::default();
    let mut next = Some(last);
    while let Some(event) = next.and_then(|id| by_id.get(&id)) {
        let kind = event["type"].as_str().unwrap_or_default();
        let details = details(event);
        match kind {
            "ExecutionFailed" | "ExecutionTimedOut" | "ExecutionAborted" => {
                ending.error = text(details, "error");
                ending.cause = text(details, "cause");
                // A timeout or an abort strikes the state that is running, which reports nothing.
                if kind != "ExecutionFailed" {
                    current = Some(ending.clone());
                }
            }
            "TaskScheduled" | "LambdaFunctionScheduled" | "ActivityScheduled" => {
                set_json(current.as_mut().map(|failure| &mut failure.parameters), details, "parameters");
            }
            "TaskSubmitted" => {
                set_json(current.as_mut().map(|failure| &mut failure.submitted), details, "output");
            }
            _ if is_failure(kind) => note(&mut current, details, &ending, found.is_empty()),
            _ if kind.ends_with("StateEntered") => {
                if kind == "FailStateEntered" && current.is_none() {
                    current = Some(Failure { declared: true, ..ending.clone() });
                }
                if let Some(mut failure) = current.take() {
                    failure.state = details["name"].as_str().map(str::to_owned);
                    found.push(failure);
                }
            }
            _ if kind.ends_with("StateExited") => {
                // What lies before was left: only a failure that was caught there counts.
                current = None;
            }
            _ => {}
        }
        next = previous(event);
    }
    if found.is_empty() && (!ending.error.is_empty() || !ending.cause.is_empty()) {
        found.push(current.unwrap_or(ending));
    }
    found
}

/// Takes up a failing event, unless a later one of the same state (a retry) is known.
fn note(current: &mut Option<Failure>, details: &Value, ending: &Failure, first: bool) {
    let mut failure = Failure { error: text(details, "error"), cause: text(details, "cause"), ..Failure::default() };
    if first && failure.error.is_empty() && failure.cause.is_empty() {
        failure.error.clone_from(&ending.error);
        failure.cause.clone_from(&ending.cause);
    }
    match current {
        // A Map or Parallel repeats, or leaves out, the failure of the task inside it.
        Some(known) if known.cause.is_empty() && known.error.is_empty() => *known = failure,
        Some(_) => {}
        None => *current = Some(failure),
    }
}

fn is_failure(kind: &str) -> bool {
    (kind.ends_with("Failed") || kind.ends_with("TimedOut")) && !kind.starts_with("Execution")
}

fn previous(event: &Value) -> Option<i64> {
    let id = event["id"].as_i64()?;
    match event["previousEventId"].as_i64() {
        // Only the first event has none; an emulator may not fill it in.
        Some(0) | None => (event["type"] != "ExecutionStarted" && id > 1).then(|| id - 1),
        Some(previous) => (previous < id).then_some(previous),
    }
}

fn details(event: &Value) -> &Value {
    let members = event.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.ends_with("EventDetails"))
        .map(|(_, details)| details)
        .next()
        .unwrap_or(&Value::Null)
}

fn text(details: &Value, name: &str) -> String {
    details[name].as_str().unwrap_or_default().to_owned()
}

fn set_json(slot: Option<&mut Value>, details: &Value, name: &str) {
    if let Some(slot) = slot
        && slot.is_null()
    {
        *slot = details[name].as_str().and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null);
    }
}
