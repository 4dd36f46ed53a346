//! Histories as Step Functions gives them, newest event first.

use serde_json::{Value, json};

use crate::diagnose::{self, Ended};
use crate::error::{Class, JobFailure};
use crate::job::fake::{Fake, aws_error, block_on};

const ARN: &str = "arn:aws:states:eu-west-1:1:execution:Outer:one";

fn event(id: i64, previous: i64, kind: &str, member: &str, details: Value) -> Value {
    json!({"id": id, "previousEventId": previous, "type": kind, "timestamp": 1.0, member: details})
}

fn entered(id: i64, previous: i64, kind: &str, name: &str) -> Value {
    event(
        id,
        previous,
        &format!("{kind}StateEntered"),
        "stateEnteredEventDetails",
        json!({"name": name, "input": "{}"}),
    )
}

fn task_failed(id: i64, error: &str, cause: &str) -> Value {
    event(
        id,
        id - 1,
        "TaskFailed",
        "taskFailedEventDetails",
        json!({"resourceType": "x", "error": error, "cause": cause}),
    )
}

fn ended(id: i64, kind: &str, error: &str, cause: &str) -> Value {
    let member = format!("{}{}EventDetails", kind[..1].to_lowercase(), &kind[1..]);
    event(id, id - 1, kind, &member, json!({"error": error, "cause": cause}))
}

fn diagnose(state: &str, aws: &Fake) -> JobFailure {
    let detail = json!({"status": state, "error": "Outer.Error", "cause": "outer cause"});
    block_on(diagnose::diagnose(aws, &Ended { kind: "sfn_execution", parent: None, id: ARN, state, detail: &detail }))
}

/// Answers GetExecutionHistory by execution name, newest first, two events a page.
fn histories(all: Vec<(&'static str, Vec<Value>)>) -> Fake {
    Fake::new(move |operation, body| {
        let arn = body["executionArn"].as_str().unwrap_or_default();
        let known = all.iter().find(|(name, _)| arn.ends_with(name)).filter(|_| operation == "GetExecutionHistory");
        let (_, events) = known.ok_or_else(|| aws_error("AccessDeniedException", Class::AccessDenied))?;
        let newest: Vec<Value> = events.iter().rev().cloned().collect();
        let from = body["nextToken"].as_str().map_or(0, |at| at.parse().unwrap());
        let page: Vec<Value> = newest.iter().skip(from).take(2).cloned().collect();
        Ok(json!({"events": page, "nextToken": (from + 2 < newest.len()).then(|| (from + 2).to_string())}))
    })
}

#[test]
fn a_lambda_error_is_named_with_its_state() {
    let cause = r#"{"errorMessage": "no such bucket", "errorType": "ValueError", "stackTrace": ["x"]}"#;
    let aws = histories(vec![(
        ":one",
        vec![
            json!({"id": 1, "previousEventId": 0, "type": "ExecutionStarted"}),
            entered(2, 0, "Task", "Process"),
            event(
                3,
                2,
                "TaskScheduled",
                "taskScheduledEventDetails",
                json!({"parameters": "{\"FunctionName\": \"f\"}"}),
            ),
            event(4, 3, "TaskStarted", "taskStartedEventDetails", json!({})),
            task_failed(5, "ValueError", cause),
            ended(6, "ExecutionFailed", "ValueError", cause),
        ],
    )]);
    let failure = diagnose("FAILED", &aws);
    assert_eq!(failure.reason.unwrap(), r#"state "Process" failed: ValueError: ValueError: no such bucket"#);
    assert!(failure.console_url.unwrap().ends_with(ARN));
}

#[test]
fn a_caught_failure_is_told_behind_the_fail_state() {
    let glue =
        r#"{"JobName": "etl", "Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "AnalysisException: no column"}"#;
    let aws = histories(vec![(
        ":one",
        vec![
            json!({"id": 1, "previousEventId": 0, "type": "ExecutionStarted"}),
            entered(2, 0, "Task", "Transform"),
            event(3, 2, "TaskScheduled", "taskScheduledEventDetails", json!({"parameters": "{\"JobName\": \"etl\"}"})),
            task_failed(4, "States.TaskFailed", glue),
            event(5, 4, "TaskStateExited", "stateExitedEventDetails", json!({"name": "Transform"})),
            entered(6, 5, "Fail", "GiveUp"),
            ended(7, "ExecutionFailed", "PipelineError", "the pipeline failed"),
        ],
    )]);
    let failure = diagnose("FAILED", &aws);
    assert_eq!(failure.reason.unwrap(), r#"state "GiveUp" failed: PipelineError: the pipeline failed"#);
    let cause = failure.cause.unwrap();
    assert!(
        cause.contains(
            r#"before that, state "Transform" failed: States.TaskFailed: Glue job etl: FAILED: AnalysisException"#
        ),
        "{cause}"
    );
    assert!(failure.logs.unwrap().contains("jr_1"), "the run's logs are pointed to");
}

#[test]
fn nested_executions_are_followed_to_the_task_that_failed() {
    let nested = r#"{"ExecutionArn": "arn:aws:states:eu-west-1:1:execution:Inner:two", "Status": "FAILED", "Error": "E", "Cause": "c"}"#;
    let aws = histories(vec![
        (
            ":one",
            vec![
                entered(2, 0, "Task", "Call inner"),
                task_failed(3, "States.TaskFailed", nested),
                ended(4, "ExecutionFailed", "States.TaskFailed", nested),
            ],
        ),
        (
            ":two",
            vec![
                entered(2, 0, "Parallel", "Both"),
                entered(3, 2, "Task", "Crawl"),
                task_failed(4, "Glue.EntityNotFoundException", "Crawler x not found"),
                event(5, 4, "ParallelStateFailed", "parallelStateFailedEventDetails", json!({})),
                ended(6, "ExecutionFailed", "Glue.EntityNotFoundException", "Crawler x not found"),
            ],
        ),
    ]);
    let failure = diagnose("FAILED", &aws);
    let reason = failure.reason.unwrap();
    assert!(reason.starts_with(r#"state "Call inner" failed: States.TaskFailed: execution two: E: c"#), "{reason}");
    let cause = failure.cause.unwrap();
    assert_eq!(cause, r#"execution two: state "Crawl" failed: Glue.EntityNotFoundException: Crawler x not found"#);
}

#[test]
fn a_timeout_names_the_state_that_was_running_and_its_inner_execution() {
    let submitted = json!({"output": "{\"ExecutionArn\": \"arn:aws:states:eu-west-1:1:execution:Inner:two\"}"});
    let aws = histories(vec![
        (
            ":one",
            vec![
                entered(2, 0, "Task", "First"),
                event(3, 2, "TaskStateExited", "stateExitedEventDetails", json!({"name": "First"})),
                entered(4, 3, "Task", "Second"),
                event(5, 4, "TaskSubmitted", "taskSubmittedEventDetails", submitted),
                json!({"id": 6, "previousEventId": 5, "type": "ExecutionTimedOut"}),
            ],
        ),
        (
            ":two",
            vec![entered(2, 0, "Wait", "Sleep"), json!({"id": 3, "previousEventId": 2, "type": "ExecutionAborted"})],
        ),
    ]);
    let failure = diagnose("TIMED_OUT", &aws);
    assert_eq!(failure.reason.unwrap(), r#"the execution timed out in state "Second""#);
    assert!(failure.cause.unwrap().contains(r#"execution two: state "Sleep""#));
}

#[test]
fn of_retries_the_last_counts_and_missing_event_links_do_not_matter() {
    let mut events = vec![
        json!({"id": 1, "type": "ExecutionStarted"}),
        entered(2, 0, "Task", "Try"),
        task_failed(3, "First", "one"),
        task_failed(4, "Last", "two"),
        ended(5, "ExecutionFailed", "Last", "two"),
    ];
    for event in &mut events {
        event["previousEventId"] = json!(0);
    }
    let failure = diagnose("FAILED", &histories(vec![(":one", events)]));
    assert_eq!(failure.reason.unwrap(), r#"state "Try" failed: Last: two"#);
}

#[test]
fn a_denied_history_leaves_the_outer_error() {
    let failure = diagnose("FAILED", &histories(vec![]));
    assert_eq!(failure.reason.unwrap(), "the execution failed: Outer.Error: outer cause");
    assert_eq!(failure.state, "FAILED");
}

#[test]
fn failed_children_of_a_distributed_map_are_found() {
    let history = histories(vec![
        (
            ":one",
            vec![
                entered(2, 0, "Map", "Each"),
                event(3, 2, "MapRunStarted", "mapRunStartedEventDetails", json!({"mapRunArn": "arn:mapRun"})),
                event(
                    4,
                    3,
                    "MapRunFailed",
                    "mapRunFailedEventDetails",
                    json!({"error": "States.ExceedToleratedFailureThreshold", "cause": "too many"}),
                ),
                ended(5, "ExecutionFailed", "States.ExceedToleratedFailureThreshold", "too many"),
            ],
        ),
        (
            ":child",
            vec![
                entered(2, 0, "Task", "Item"),
                task_failed(3, "KeyError", "'id'"),
                ended(4, "ExecutionFailed", "KeyError", "'id'"),
            ],
        ),
    ]);
    let aws = Fake::new(move |operation, body| match operation {
        "ListExecutions" => {
            Ok(json!({"executions": [{"executionArn": "arn:aws:states:eu-west-1:1:execution:Outer/Each:child"}]}))
        }
        _ => history.answer(operation, body),
    });
    let failure = diagnose("FAILED", &aws);
    assert!(failure.reason.unwrap().contains(r#"state "Each" failed: States.ExceedTolerated"#));
    assert_eq!(failure.cause.unwrap(), r#"execution child: state "Item" failed: KeyError: 'id'"#);
}
