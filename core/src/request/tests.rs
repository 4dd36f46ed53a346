use serde_json::{Value, json};

use super::{Unknown, admit, prepare, token};
use crate::error::Error;

const HINT: &str = " (to send what is newer than mwaalib: [mwaalib] unknown_parameters = warn)";

fn problem(service: &str, operation: &str, body: &Value) -> (String, String) {
    match prepare(service, operation, body) {
        Err(Error::Request(e)) => (e.path, e.message),
        other => panic!("{operation} {body}: {other:?}"),
    }
}

fn job_flow() -> Value {
    json!({"Name": "cluster", "Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge",
        "InstanceCount": 1}]}, "Applications": [{"Name": "Spark"}]})
}

#[test]
fn a_right_request_passes_unchanged() {
    assert_eq!(prepare("emr", "RunJobFlow", &job_flow()).unwrap(), job_flow());
    let sfn = json!({"stateMachineArn": "arn", "input": "{}"});
    assert_eq!(prepare("stepfunctions", "StartExecution", &sfn).unwrap(), sfn);
}

#[test]
fn a_typo_is_refused_with_its_path_and_what_was_meant() {
    let mut body = job_flow();
    body["Instances"]["InstanceGroup"] = body["Instances"]["InstanceGroups"].take();
    body["Instances"].as_object_mut().unwrap().remove("InstanceGroups");
    let (path, message) = problem("emr", "RunJobFlow", &body);
    assert_eq!(path, "RunJobFlow.Instances");
    assert_eq!(message, format!("unknown parameter 'InstanceGroup', did you mean 'InstanceGroups'?{HINT}"));
}

#[test]
fn what_is_newer_than_the_tables_is_sent_on_demand() {
    let mut body = job_flow();
    body["Instances"]["QuantumCores"] = json!(4);
    let (sent, told) = admit("emr", "RunJobFlow", &body, Unknown::Warn).unwrap();
    assert_eq!(sent, body);
    assert!(told.unwrap().starts_with("RunJobFlow.Instances: unknown parameter 'QuantumCores'"));
    assert_eq!(admit("emr", "RunJobFlow", &job_flow(), Unknown::Warn).unwrap().1, None);
    body["Name"] = json!(1);
    assert!(admit("emr", "RunJobFlow", &body, Unknown::Warn).is_err(), "what is wrong stays wrong");
}

#[test]
fn a_wrong_type_is_refused_deep_inside() {
    let mut body = job_flow();
    body["Instances"]["InstanceGroups"][0]["InstanceCount"] = json!("one");
    let (path, message) = problem("emr", "RunJobFlow", &body);
    assert_eq!(path, "RunJobFlow.Instances.InstanceGroups[0].InstanceCount");
    assert_eq!(message, "expected a whole number, got text");

    let body = json!({"JobName": "j", "Arguments": {"--n": 3}});
    let (path, message) = problem("glue", "StartJobRun", &body);
    assert_eq!((path.as_str(), message.as_str()), ("StartJobRun.Arguments.--n", "expected text, got a number"));
}

#[test]
fn what_is_missing_and_all_other_problems_are_told() {
    let (path, message) = problem("emr", "AddJobFlowSteps", &json!({"Steps": [{"Name": 1}], "Stepps": []}));
    assert_eq!(path, "AddJobFlowSteps.Steps[0].Name");
    for part in [
        "expected text, got a number",
        "AddJobFlowSteps.Steps[0]: missing required parameter 'HadoopJarStep'",
        "AddJobFlowSteps: unknown parameter 'Stepps', did you mean 'Steps'?",
        "AddJobFlowSteps: missing required parameter 'JobFlowId'",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn values_do_not_show_in_errors() {
    let body = json!({"Name": "/a", "Value": ["s3cret"], "Type": "SecureString"});
    let (_, message) = problem("ssm", "PutParameter", &body);
    assert_eq!(message, "expected text, got a list");
}

#[test]
fn times_written_as_text_become_numbers() {
    let body = json!({"CreatedAfter": "2026-01-31T00:00:00Z"});
    assert_eq!(prepare("emr", "ListClusters", &body).unwrap(), json!({"CreatedAfter": 1_769_817_600}));
    let (path, _) = problem("emr", "ListClusters", &json!({"CreatedAfter": "soon"}));
    assert_eq!(path, "ListClusters.CreatedAfter");
}

#[test]
fn shapes_that_contain_themselves_are_followed() {
    let nested = json!({"Classification": "a", "Configurations": [{"Classification": "b", "Propertys": {}}]});
    let mut body = job_flow();
    body["Configurations"] = json!([nested]);
    let (path, message) = problem("emr", "RunJobFlow", &body);
    assert_eq!(path, "RunJobFlow.Configurations[0].Configurations[0]");
    assert!(message.contains("'Properties'"), "{message}");
}

#[test]
fn what_is_not_offered_is_named() {
    let (_, message) = problem("emr", "RunJobFlows", &json!({}));
    assert_eq!(message, "unknown operation RunJobFlows, did you mean RunJobFlow?");
    let (_, message) = problem("gleu", "GetJob", &json!({}));
    assert_eq!(message, "unknown service gleu, did you mean glue?");
    let (_, message) = problem("emr", "RunJobFlow", &json!([]));
    assert_eq!(message, "expected an object, got a list");
    let (_, message) = problem("sts", "GetCallerIdentity", &json!({"Verbose": true}));
    assert_eq!(message, format!("unknown parameter 'Verbose', there are none{HINT}"));
}

#[test]
fn tokens_are_uuids_and_differ() {
    let (a, b) = (token(), token());
    assert_eq!((a.len(), a.as_bytes()[14], a.matches('-').count()), (36, b'4', 4));
    assert_ne!(a, b);
}
