//! Every kind: started once under a key, whatever happened before.

mod first;
mod found;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fake::{Fake, aws_error, block_on};
use super::{Job, Reattached, Started};
use crate::error::{Class, Error, Result};
use crate::service;

const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:Flow";

/// A little AWS that keeps what was started, newest first, and lists it.
#[derive(Default)]
struct Model {
    jobs: Vec<Value>,
    /// Replies to starts that are lost after AWS took them.
    lose: usize,
    /// Errors that starts are refused with.
    refuse: Vec<Error>,
    deny_lists: bool,
}

type Shared = Arc<Mutex<Model>>;

fn model() -> (Shared, Fake) {
    let shared = Shared::default();
    let inside = shared.clone();
    (shared, Fake::new(move |operation, body| inside.lock().unwrap().answer(operation, body)))
}

impl Model {
    fn answer(&mut self, operation: &str, body: &Value) -> Result<Value> {
        if self.deny_lists && (operation.starts_with("List") || operation == "GetJobRuns") {
            return Err(aws_error("AccessDeniedException", Class::AccessDenied));
        }
        match operation {
            "RunJobFlow" | "AddJobFlowSteps" | "StartJobRun" | "StartExecution" | "SendCommand" => {
                if let Some(error) = self.refuse.pop() {
                    return Err(error);
                }
                let reply = self.start(operation, body)?;
                if self.lose > 0 {
                    self.lose -= 1;
                    return Err(aws_error("ConnectionError", Class::Transient));
                }
                Ok(reply)
            }
            "ListClusters" => Ok(json!({"Clusters": self.jobs})),
            "DescribeCluster" => Ok(json!({"Cluster": self.jobs.iter().find(|job| job["Id"] == body["ClusterId"])})),
            "ListSteps" => {
                // Two entries a page.
                let from = body["Marker"].as_str().map_or(0, |at| at.parse().unwrap());
                let page: Vec<Value> = self.jobs.iter().skip(from).take(2).cloned().collect();
                let more = (from + 2 < self.jobs.len()).then(|| (from + 2).to_string());
                Ok(json!({"Steps": page, "Marker": more}))
            }
            "GetJobRuns" => Ok(json!({"JobRuns": self.jobs})),
            "ListCommands" => Ok(json!({"Commands": self.jobs, "NextToken": ""})),
            "DescribeExecution" => {
                let found = self.jobs.iter().find(|job| job["executionArn"] == body["executionArn"]);
                found.cloned().ok_or_else(|| aws_error("ExecutionDoesNotExist", Class::NotFound))
            }
            other => panic!("{other} is not modelled"),
        }
    }

    fn start(&mut self, operation: &str, body: &Value) -> Result<Value> {
        let n = self.jobs.len() + 1;
        match operation {
            "RunJobFlow" => {
                self.jobs.insert(
                    0,
                    json!({"Id": format!("j-{n}"), "Name": body["Name"], "ClusterArn": "arn", "Tags": body["Tags"],
                    "Status": {"State": "STARTING", "Timeline": {"CreationDateTime": now() + n as f64}}}),
                );
                Ok(json!({"JobFlowId": format!("j-{n}")}))
            }
            "AddJobFlowSteps" => {
                let steps = body["Steps"].as_array().unwrap();
                let ids: Vec<String> = (0..steps.len()).map(|i| format!("s-{}", n + i)).collect();
                for (step, id) in steps.iter().zip(&ids) {
                    self.jobs.insert(0, json!({"Id": id, "Name": step["Name"], "Status": {"State": "PENDING"}}));
                }
                Ok(json!({"StepIds": ids}))
            }
            "StartJobRun" => {
                self.jobs.insert(
                    0,
                    json!({"Id": format!("jr_{n}"), "JobRunState": "RUNNING", "Arguments": body["Arguments"]}),
                );
                Ok(json!({"JobRunId": format!("jr_{n}")}))
            }
            "StartExecution" => {
                let arn =
                    format!("{}:{}", MACHINE.replace("stateMachine", "execution"), body["name"].as_str().unwrap());
                if self.jobs.iter().any(|job| job["executionArn"] == arn.as_str()) {
                    return Err(aws_error("ExecutionAlreadyExists", Class::Permanent));
                }
                self.jobs.insert(0, json!({"executionArn": arn, "status": "RUNNING", "startDate": now()}));
                Ok(json!({"executionArn": arn, "startDate": now()}))
            }
            _ => {
                let command = json!({"CommandId": format!("c-{n}"), "Comment": body["Comment"], "Status": "InProgress",
                    "DocumentName": body["DocumentName"], "InstanceIds": body["InstanceIds"]});
                self.jobs.insert(0, command.clone());
                Ok(json!({"Command": command}))
            }
        }
    }

    /// Sets the state of every job whose state is one of those a running job has.
    fn end(&mut self, kind: &str, state: &str) {
        for job in &mut self.jobs {
            let slot = match kind {
                "emr_job_flow" | "emr_step" => &mut job["Status"]["State"],
                "glue_job_run" => &mut job["JobRunState"],
                "sfn_execution" => &mut job["status"],
                _ => &mut job["Status"],
            };
            if matches!(slot.as_str(), Some("STARTING" | "PENDING" | "RUNNING" | "InProgress")) {
                *slot = json!(state);
            }
        }
    }
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

struct Case {
    kind: &'static str,
    request: Value,
    success: &'static str,
    failure: &'static str,
    /// Jobs that one start makes.
    each: usize,
}

fn cases() -> Vec<Case> {
    let step = json!({"Name": "load", "HadoopJarStep": {"Jar": "command-runner.jar"}});
    let case = |kind, request, success, failure, each| Case { kind, request, success, failure, each };
    vec![
        case("emr_job_flow", json!({"Name": "nightly", "Instances": {}}), "TERMINATED", "TERMINATED_WITH_ERRORS", 1),
        case("emr_step", json!({"JobFlowId": "j-1", "Steps": [step, step, step]}), "COMPLETED", "FAILED", 3),
        case("sfn_execution", json!({"stateMachineArn": MACHINE, "input": "{}"}), "SUCCEEDED", "TIMED_OUT", 1),
        case("glue_job_run", json!({"JobName": "etl"}), "SUCCEEDED", "EXPIRED", 1),
        case(
            "ssm_command",
            json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"]}),
            "Success",
            "TimedOut",
            1,
        ),
    ]
}

fn start(aws: &Fake, case: &Case, key: Option<&str>) -> Result<Started> {
    attempt(aws, case, key, true, None)
}

fn attempt(aws: &Fake, case: &Case, key: Option<&str>, reuse: bool, since: Option<f64>) -> Result<Started> {
    let (kind, key) = (case.kind.to_owned(), key.map(str::to_owned));
    block_on(service::start(aws, &Job { kind, request: case.request.clone(), key, reuse, since }))
}

#[test]
fn a_second_start_with_the_same_key_joins_adopts_or_begins_anew() {
    for case in cases() {
        let (model, aws) = model();
        let first = start(&aws, &case, Some("key.1")).unwrap();
        assert_eq!(first.reattached, None, "{}", case.kind);
        let again = start(&aws, &case, Some("key.1")).unwrap();
        assert_eq!(again.reattached, Some(Reattached::Pending), "{}", case.kind);
        assert_eq!((&again.ids, &again.parent), (&first.ids, &first.parent), "{}", case.kind);
        assert_eq!(model.lock().unwrap().jobs.len(), case.each, "{}: one job only", case.kind);

        let other = start(&aws, &case, Some("key.2")).unwrap();
        assert_eq!(other.reattached, None, "{}", case.kind);
        assert_ne!((&other.ids, &other.parent), (&first.ids, &first.parent), "{}", case.kind);

        model.lock().unwrap().end(case.kind, case.success);
        let adopted = start(&aws, &case, Some("key.1")).unwrap();
        assert_eq!(adopted.reattached, Some(Reattached::Succeeded), "{}", case.kind);
        assert_eq!(adopted.ids, first.ids, "{}", case.kind);
    }
}

#[test]
fn a_failed_job_is_started_anew_as_often_as_it_fails() {
    for case in cases() {
        let (model, aws) = model();
        let mut seen = vec![start(&aws, &case, Some("k")).unwrap()];
        for _ in 0..3 {
            model.lock().unwrap().end(case.kind, case.failure);
            let next = start(&aws, &case, Some("k")).unwrap();
            assert_eq!(next.reattached, None, "{}", case.kind);
            assert!(seen.iter().all(|old| (&old.ids, &old.parent) != (&next.ids, &next.parent)), "{}", case.kind);
            // The newest attempt is the one found again.
            let found = start(&aws, &case, Some("k")).unwrap();
            assert_eq!((&found.ids, found.reattached), (&next.ids, Some(Reattached::Pending)), "{}", case.kind);
            seen.push(next);
        }
        assert_eq!(model.lock().unwrap().jobs.len(), 4 * case.each, "{}", case.kind);
    }
}

#[test]
fn a_lost_reply_does_not_start_a_second_job() {
    for case in cases() {
        let (model, aws) = model();
        model.lock().unwrap().lose = 1;
        let started = start(&aws, &case, Some("k")).unwrap();
        assert_eq!(started.reattached, Some(Reattached::Pending), "{}", case.kind);
        assert_eq!(model.lock().unwrap().jobs.len(), case.each, "{}", case.kind);
    }
}

#[test]
fn throttled_starts_are_sent_again_and_refusals_pass_up() {
    for case in cases() {
        let (model, aws) = model();
        model.lock().unwrap().refuse = vec![aws_error("ThrottlingException", Class::Throttled); 2];
        assert_eq!(start(&aws, &case, Some("k")).unwrap().reattached, None, "{}", case.kind);

        model.lock().unwrap().refuse = vec![aws_error("ConcurrentRunsExceededException", Class::Permanent)];
        let Err(Error::Aws(error)) = start(&aws, &case, Some("other")) else { panic!("{} must fail", case.kind) };
        assert_eq!(error.code, "ConcurrentRunsExceededException");

        model.lock().unwrap().refuse = vec![aws_error("InternalServerException", Class::Transient); 9];
        assert!(start(&aws, &case, Some("third")).is_err(), "{}: a lasting fault is told", case.kind);
        assert_eq!(model.lock().unwrap().refuse.len(), 4, "{}: five sends", case.kind);
    }
}

#[test]
fn without_a_key_every_call_starts_a_job() {
    for mut case in cases() {
        let (model, aws) = model();
        for n in 0..2 {
            if case.kind == "sfn_execution" {
                case.request["name"] = json!(format!("run-{n}"));
            }
            assert_eq!(start(&aws, &case, None).unwrap().reattached, None);
        }
        assert_eq!(model.lock().unwrap().jobs.len(), 2 * case.each, "{}", case.kind);
    }
}

#[test]
fn a_missing_permission_to_look_is_told_and_does_not_hinder() {
    for case in cases().into_iter().filter(|case| case.kind != "sfn_execution") {
        let (model, aws) = model();
        model.lock().unwrap().deny_lists = true;
        let started = start(&aws, &case, Some("k")).unwrap();
        assert!(started.notice.unwrap().contains("without "), "{}", case.kind);
        assert_eq!(model.lock().unwrap().jobs.len(), case.each);
    }
}

#[test]
fn what_does_not_exist_is_told_by_the_start() {
    for case in cases() {
        let aws = Fake::new(|operation, _| match operation {
            "ListClusters" | "ListSteps" | "GetJobRuns" | "ListCommands" | "DescribeExecution" => {
                Err(aws_error("EntityNotFoundException", Class::NotFound))
            }
            _ => Err(aws_error("NoSuchJob", Class::NotFound)),
        });
        let Err(Error::Aws(error)) = start(&aws, &case, Some("k")) else { panic!("{} must fail", case.kind) };
        assert_eq!(error.code, "NoSuchJob");
    }
}

#[test]
fn bad_jobs_are_refused_before_anything_is_sent() {
    let (_, aws) = model();
    let refused = |job: Value| block_on(service::start(&aws, &serde_json::from_value(job).unwrap())).unwrap_err();
    let machine = json!({"stateMachineArn": MACHINE});
    assert!(refused(json!({"kind": "emr_steps", "request": {}})).to_string().contains("emr_steps"));
    assert!(refused(json!({"kind": "sfn_execution", "request": machine, "key": "a b"})).to_string().contains("a b"));
    assert!(aws.calls.lock().unwrap().is_empty());
    assert!(serde_json::from_value::<Job>(json!({"kind": "emr_step", "request": {}, "keys": "x"})).is_err());
}

#[test]
fn keys_are_where_each_service_shows_them() {
    let (_, aws) = model();
    for case in cases() {
        start(&aws, &case, Some("dag.task-1")).unwrap();
    }
    let first = |operation: &str| aws.bodies(operation).remove(0);
    assert_eq!(first("RunJobFlow")["Name"], "nightly");
    assert_eq!(first("RunJobFlow")["Tags"], json!([{"Key": "mwaalib:key", "Value": "dag.task-1"}]));
    assert_eq!(first("AddJobFlowSteps")["Steps"][2]["Name"], "load [dag.task-1/0/2]");
    assert_eq!(first("StartExecution")["name"], "dag.task-1");
    assert_eq!(first("StartJobRun")["Arguments"], json!({"--mwaalib-key": "dag.task-1"}));
    assert_eq!(first("SendCommand")["Comment"], "[dag.task-1]");
}

#[test]
fn an_execution_named_by_the_user_keeps_its_name() {
    let (model, aws) = model();
    let mut case = cases().remove(2);
    case.request["name"] = json!("mine");
    start(&aws, &case, Some("k")).unwrap();
    assert_eq!(aws.bodies("StartExecution")[0]["name"], "mine");
    model.lock().unwrap().end(case.kind, "SUCCEEDED");
    let Err(Error::Aws(error)) = start(&aws, &case, Some("k")) else { panic!("AWS refuses the name") };
    assert_eq!(error.code, "ExecutionAlreadyExists");
}

fn crawl(reuse: bool, state: &'static str, running: bool) -> (Fake, Result<Started>) {
    let aws = Fake::new(move |operation, _| match operation {
        "GetCrawler" => Ok(json!({"Crawler": {"State": state, "LastCrawl": {"StartTime": 100.5}}})),
        _ if running => Err(aws_error("CrawlerRunningException", Class::Permanent)),
        _ => Ok(json!({})),
    });
    let job = Job {
        kind: "glue_crawler".to_owned(),
        request: json!({"Name": "c"}),
        key: Some("k".to_owned()),
        reuse,
        since: None,
    };
    let started = block_on(service::start(&aws, &job));
    (aws, started)
}

#[test]
fn a_running_crawl_is_joined_unless_that_is_unwanted() {
    let (aws, started) = crawl(true, "READY", false);
    let started = started.unwrap();
    assert_eq!((started.reattached, started.since), (None, Some(100.501)));
    assert_eq!(aws.bodies("StartCrawler").len(), 1);

    let (aws, started) = crawl(true, "RUNNING", true);
    assert_eq!(started.unwrap().reattached, Some(Reattached::Pending));
    assert!(aws.bodies("StartCrawler").is_empty());
    // Begun by somebody else between the look and the start.
    assert_eq!(crawl(true, "READY", true).1.unwrap().reattached, Some(Reattached::Pending));
    let Err(Error::Aws(error)) = crawl(false, "RUNNING", true).1 else { panic!("must be refused") };
    assert_eq!(error.code, "CrawlerRunningException");
}

#[test]
fn cancelling_what_has_ended_is_no_error() {
    let ids = ["x-1".to_owned()];
    for (kind, ended, running) in [
        ("emr_job_flow", "TERMINATED", "RUNNING"),
        ("emr_step", "COMPLETED", "RUNNING"),
        ("sfn_execution", "SUCCEEDED", "RUNNING"),
        ("glue_job_run", "STOPPED", "RUNNING"),
        ("ssm_command", "Success", "InProgress"),
    ] {
        for (state, allowed) in [(ended, true), (running, false)] {
            let aws = Fake::new(move |operation, _| match operation {
                "DescribeCluster" => Ok(json!({"Cluster": {"Status": {"State": state}}})),
                "DescribeStep" => Ok(json!({"Step": {"Status": {"State": state}}})),
                "DescribeExecution" => Ok(json!({"status": state})),
                "GetJobRun" => Ok(json!({"JobRun": {"JobRunState": state}})),
                "ListCommands" => Ok(json!({"Commands": [{"Status": state}]})),
                "BatchStopJobRun" => Ok(json!({"Errors": [{"JobRunId": "x-1", "ErrorDetail": {"ErrorCode": "Bad"}}]})),
                "CancelSteps" => {
                    Ok(json!({"CancelStepsInfoList": [{"StepId": "x-1", "Status": "FAILED", "Reason": "no"}]}))
                }
                _ => Err(aws_error("ValidationException", Class::Permanent)),
            });
            let cancelled = block_on(service::cancel(&aws, kind, Some("parent"), &ids));
            assert_eq!(cancelled.is_ok(), allowed, "{kind} {state}");
        }
    }
    let aws = Fake::new(|_, _| Err(aws_error("CrawlerNotRunningException", Class::Permanent)));
    block_on(service::cancel(&aws, "glue_crawler", None, &ids)).unwrap();
    assert!(block_on(service::cancel(&aws, "emr_step", None, &ids)).is_err());
}
