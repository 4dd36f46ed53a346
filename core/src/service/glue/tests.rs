//! Glue's diagnosis and logs against scripted replies.

use serde_json::{Value, json};

use super::logs::{LogLine, LogTail};
use crate::diagnose::{self, Ended};
use crate::error::{Class, JobFailure};
use crate::job::fake::{Fake, aws_error, block_on};

fn run_failure(state: &str, run: &Value, logs: &'static [(&'static str, &'static str)]) -> (JobFailure, Fake) {
    let aws = Fake::new(move |operation, body| {
        assert_eq!(operation, "GetLogEvents");
        let place = format!("{}:{}", body["logGroupName"].as_str().unwrap(), body["logStreamName"].as_str().unwrap());
        let found = logs.iter().find(|(name, _)| *name == place);
        let (_, text) = found.ok_or_else(|| aws_error("ResourceNotFoundException", Class::NotFound))?;
        Ok(json!({"events": text.lines().map(|line| json!({"message": line})).collect::<Vec<_>>()}))
    });
    let ended = Ended { kind: "glue_job_run", parent: Some("etl"), id: "jr_1", state, detail: run };
    (block_on(diagnose::diagnose(&aws, &ended)), aws)
}

#[test]
fn the_message_and_the_exception_in_the_error_log_are_told() {
    let run = json!({"JobRun": {"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "Command failed with exit code 1",
        "LogGroupName": "/aws-glue/jobs"}});
    const LOG: &str = "starting\nTraceback (most recent call last):\n  File \"/tmp/etl.py\", line 9\nAnalysisException: no column x\n";
    let (failure, _) = run_failure("FAILED", &run, &[("/aws-glue/jobs/error:jr_1", LOG)]);
    assert_eq!(failure.reason.as_deref(), Some("Command failed with exit code 1"));
    assert!(failure.cause.unwrap().starts_with("AnalysisException: no column x\n/aws-glue/jobs/error ends:\nstarting"));
    assert!(failure.logs.unwrap().contains("/aws-glue/jobs/error"));
    assert!(failure.console_url.unwrap().ends_with("#/job/etl/run/jr_1"));
}

#[test]
fn the_exception_may_be_in_the_output_log_or_nowhere() {
    let run = json!({"JobRunState": "FAILED", "ErrorMessage": "x"});
    let logs: &[_] = &[("/aws-glue/jobs/error:jr_1", "warn only"), ("/aws-glue/jobs/output:jr_1", "KeyError: 'a'")];
    let cause = run_failure("FAILED", &run, logs).0.cause.unwrap();
    assert!(cause.contains("warn only") && cause.contains("KeyError: 'a'"), "{cause}");
    let (failure, aws) = run_failure("FAILED", &run, &[]);
    assert_eq!((failure.cause, failure.reason.as_deref()), (None, Some("x")));
    assert!(aws.bodies("GetLogEvents").len() >= 3);
}

#[test]
fn runs_that_glue_ended_have_a_reason_of_their_own() {
    let (failure, _) = run_failure("TIMEOUT", &json!({"JobRunState": "TIMEOUT", "Timeout": 5}), &[]);
    assert!(failure.reason.unwrap().contains("Timeout of 5 minutes"));
    let (failure, aws) = run_failure("EXPIRED", &json!({"JobRunState": "EXPIRED"}), &[]);
    assert!(failure.reason.unwrap().contains("did not start"));
    assert!(aws.calls.lock().unwrap().is_empty(), "a run that never began has no log");
}

#[test]
fn a_crawl_is_told_by_its_own_lines_of_the_log() {
    let aws = Fake::new(|_, _| {
        let lines =
            ["[old] ERROR : other crawl", "[new] INFO : start", "[new] ERROR : Insufficient Lake Formation permission"];
        Ok(json!({"events": lines.map(|line| json!({"message": line}))}))
    });
    let detail = json!({"Crawler": {"Name": "c", "LastCrawl": {"Status": "FAILED", "ErrorMessage": "Internal",
        "LogGroup": "/aws-glue/crawlers", "LogStream": "c", "MessagePrefix": "new"}}});
    let ended = Ended { kind: "glue_crawler", parent: None, id: "c", state: "FAILED", detail: &detail };
    let failure = block_on(diagnose::diagnose(&aws, &ended));
    assert_eq!(failure.reason.as_deref(), Some("Internal"));
    let cause = failure.cause.unwrap();
    assert!(cause.contains("Lake Formation") && !cause.contains("other crawl"), "{cause}");
}

#[test]
fn log_lines_come_once_and_a_missing_stream_is_normal() {
    let aws = Fake::new(|_, body| match (body["logGroupName"].as_str().unwrap(), body["nextToken"].as_str()) {
        ("/g/output", _) => Err(aws_error("ResourceNotFoundException", Class::NotFound)),
        (_, None) => Ok(json!({"events": [{"message": "one\n"}, {"message": "two"}], "nextForwardToken": "t1"})),
        (_, Some("t1")) => Ok(json!({"events": [{"message": "three"}], "nextForwardToken": "t2"})),
        _ => Ok(json!({"events": [], "nextForwardToken": "t2"})),
    });
    let mut tail = LogTail::new("jr_1", Some("/g"));
    let lines = block_on(tail.read(&aws)).unwrap();
    let line = |message: &str| LogLine { stream: "/g/error".to_owned(), message: message.to_owned() };
    assert_eq!(lines, [line("one"), line("two"), line("three")]);
    assert!(block_on(tail.read(&aws)).unwrap().is_empty());
}

#[test]
fn a_stream_that_may_not_be_read_is_told_once() {
    let aws = Fake::new(|_, _| Err(aws_error("AccessDeniedException", Class::AccessDenied)));
    let mut tail = LogTail::new("jr_1", None);
    assert!(block_on(tail.read(&aws)).is_err());
    assert!(block_on(tail.read(&aws)).unwrap().is_empty());
    assert_eq!(aws.bodies("GetLogEvents").len(), 2, "one try a stream");
}
