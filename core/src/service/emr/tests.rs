//! EMR's diagnosis against scripted replies and logs.

use serde_json::{Value, json};

use crate::diagnose::{self, Ended};
use crate::error::{Class, JobFailure};
use crate::job::fake::{Fake, aws_error, block_on};

const TRACE: &str = "24/01/01 10:00:00 INFO Client: Submitted application application_1700000000000_0007\n\
    Traceback (most recent call last):\n  File \"job.py\", line 3\npyspark.errors.AnalysisException: [PATH_NOT_FOUND] no such path\n";

fn aws(cluster: Value) -> Fake {
    Fake::new(move |operation, _| match operation {
        "DescribeCluster" => Ok(json!({"Cluster": cluster})),
        "ListSteps" => Ok(json!({"Steps": [
            {"Id": "s-2", "Name": "later", "Status": {"State": "FAILED"}},
            {"Id": "s-1", "Name": "load", "Status": {"State": "FAILED", "FailureDetails": {"Reason": "Exit 1"}}}]})),
        _ => Err(aws_error("AccessDeniedException", Class::AccessDenied)),
    })
}

fn step(aws: &Fake, state: &str, status: &Value) -> JobFailure {
    let detail = json!({"Step": {"Id": "s-1", "Status": status}});
    block_on(diagnose::diagnose(
        aws,
        &Ended { kind: "emr_step", parent: Some("j-1"), id: "s-1", state, detail: &detail },
    ))
}

#[test]
fn a_step_tells_its_reason_and_the_exception_in_its_packed_stderr() {
    let aws = aws(json!({"LogUri": "s3n://logs/emr/"})).object("logs/emr/j-1/steps/s-1/stderr.gz", TRACE);
    let status = json!({"State": "FAILED", "FailureDetails": {"Reason": "Unknown Error.", "Message": "Exception in user code"},
        "StateChangeReason": {}});
    let failure = step(&aws, "FAILED", &status);
    assert_eq!(failure.reason.as_deref(), Some("Unknown Error."));
    let cause = failure.cause.unwrap();
    assert!(cause.starts_with("Exception in user code\npyspark.errors.AnalysisException: [PATH_NOT_FOUND]"), "{cause}");
    assert!(cause.contains("stderr ends:"), "{cause}");
    assert_eq!(failure.logs.as_deref(), Some("s3://logs/emr/j-1/steps/s-1/"));
}

#[test]
fn in_cluster_mode_the_driver_is_asked() {
    let stderr = "INFO Client: Submitted application application_1700000000000_0007\nfinal status: FAILED\n";
    let base = "logs/j-1/containers/application_1700000000000_0007";
    let aws = aws(json!({"LogUri": "s3://logs"}))
        .object("logs/j-1/steps/s-1/stderr.gz", stderr)
        .object(&format!("{base}/container_1_000002/stdout.gz"), "KeyError: 'of an executor'")
        .object(&format!("{base}/container_1_000001/stdout.gz"), "ValueError: of the driver");
    let cause = step(&aws, "FAILED", &json!({"State": "FAILED"})).cause.unwrap();
    assert!(cause.ends_with("ValueError: of the driver"), "{cause}");
}

#[test]
fn a_cancelled_step_tells_why_its_cluster_ended_and_denied_logs_hide_nothing() {
    let ended = json!({"Status": {"StateChangeReason": {"Code": "USER_REQUEST", "Message": "User request"}}});
    assert_eq!(
        step(&aws(ended), "CANCELLED", &json!({"State": "CANCELLED"})).reason.as_deref(),
        Some("USER_REQUEST: User request")
    );
    let denied = Fake::new(|_, _| Err(aws_error("AccessDeniedException", Class::AccessDenied)));
    let status =
        json!({"State": "FAILED", "FailureDetails": {"Reason": "Bad jar", "LogFile": "s3://logs/x/stderr.gz"}});
    let failure = step(&denied, "FAILED", &status);
    assert_eq!(failure.reason.as_deref(), Some("Bad jar"));
    assert_eq!(failure.logs.as_deref(), Some("s3://logs/x/stderr.gz"));
}

#[test]
fn a_cluster_names_the_step_that_failed_first() {
    let aws = aws(json!({"LogUri": "s3://logs/", "Status": {"State": "TERMINATED_WITH_ERRORS",
        "StateChangeReason": {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"}}}))
    .object("logs/j-1/steps/s-1/stderr", TRACE);
    let detail = json!({"Status": {"State": "TERMINATED_WITH_ERRORS"}});
    let ended =
        Ended { kind: "emr_job_flow", parent: None, id: "j-1", state: "TERMINATED_WITH_ERRORS", detail: &detail };
    let failure = block_on(diagnose::diagnose(&aws, &ended));
    assert_eq!(failure.reason.as_deref(), Some("STEP_FAILURE: Shut down as step failed"));
    let cause = failure.cause.unwrap();
    assert!(cause.starts_with("step s-1 (load) failed: Exit 1\npyspark.errors.AnalysisException"), "{cause}");
}

#[test]
fn a_bootstrap_failure_shows_its_details_and_log() {
    let aws = aws(json!({"LogUri": "s3://logs/", "Status": {
        "StateChangeReason": {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 returned 1"},
        "ErrorDetails": [{"ErrorCode": "BOOTSTRAP_FAILURE_BA_RETURN_CODE", "ErrorMessage": "exit 1",
                          "ErrorData": [{"instance-id": "i-9"}]}]}}))
    .object("logs/j-1/node/i-9/bootstrap-actions/1/stderr.gz", "pip: command not found\n");
    let ended =
        Ended { kind: "emr_job_flow", parent: None, id: "j-1", state: "TERMINATED_WITH_ERRORS", detail: &Value::Null };
    let cause = block_on(diagnose::diagnose(&aws, &ended)).cause.unwrap();
    assert!(cause.contains("instance-id: i-9") && cause.contains("pip: command not found"), "{cause}");
}
