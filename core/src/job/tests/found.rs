//! Where what was started is found again, and what is not taken for it.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::super::fake::{Fake, aws_error};
use super::{attempt, cases, now, start};
use crate::error::{Class, Error};

#[test]
fn a_cluster_stopped_on_request_or_meant_to_live_is_not_adopted() {
    for (state, code, alive, fresh) in [
        ("TERMINATED", "ALL_STEPS_COMPLETED", false, false),
        ("TERMINATED", "USER_REQUEST", false, true),
        ("TERMINATING", "USER_REQUEST", false, true),
        ("TERMINATED", "ALL_STEPS_COMPLETED", true, true),
        ("WAITING", "", true, false),
    ] {
        let aws = Fake::new(move |operation, _| match operation {
            "ListClusters" => Ok(json!({"Clusters": [{"Id": "j-old", "Name": "nightly [k]",
                "Status": {"State": state, "StateChangeReason": {"Code": code}}}]})),
            _ => Ok(json!({"JobFlowId": "j-new"})),
        });
        let mut case = cases().remove(0);
        case.request["Instances"]["KeepJobFlowAliveWhenNoSteps"] = json!(alive);
        let started = start(&aws, &case, Some("k")).unwrap();
        assert_eq!(started.ids[0] == "j-new", fresh, "{state} {code} {alive}");
    }
}

#[test]
fn a_tag_that_is_refused_goes_into_the_name() {
    for (code, class, message, tags) in [
        (
            "AccessDeniedException",
            Class::AccessDenied,
            "not authorized to perform: elasticmapreduce:AddTags",
            json!([]),
        ),
        ("AccessDeniedException", Class::AccessDenied, "with an explicit deny", json!([{"Key": "team", "Value": "x"}])),
        ("ValidationException", Class::Permanent, "The number of Tags exceeds 10", json!([{"Key": "a", "Value": "b"}])),
    ] {
        let Error::Aws(mut refusal) = aws_error(code, class) else { unreachable!() };
        refusal.message = message.to_owned();
        let aws = Fake::new(move |operation, body| match operation {
            "ListClusters" => Ok(json!({"Clusters": []})),
            _ if body["Tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag["Key"] == "mwaalib:key")) => {
                Err(Error::Aws(refusal.clone()))
            }
            _ => Ok(json!({"JobFlowId": "j-1"})),
        });
        let mut case = cases().remove(0);
        case.request["Tags"] = tags.clone();
        assert_eq!(start(&aws, &case, Some("k")).unwrap().ids, ["j-1"], "{message}");
        let sent = aws.bodies("RunJobFlow");
        assert_eq!((sent.len(), &sent[0]["Name"]), (2, &json!("nightly")));
        assert_eq!((&sent[1]["Name"], &sent[1]["Tags"]), (&json!("nightly [k]"), &tags), "{message}");
    }
}

#[test]
fn a_cluster_is_ours_by_its_tag_and_not_by_its_name() {
    let cluster = |id: &str, age: f64| json!({"Id": id, "Name": "nightly", "Status": {"State": "WAITING", "Timeline": {"CreationDateTime": now() - age}}});
    let aws = Fake::new(move |operation, body| match operation {
        "ListClusters" => Ok(json!({"Clusters": [cluster("j-2", 5.0), cluster("j-9", 1.0), cluster("j-1", 9.0)]})),
        "DescribeCluster" => {
            let key = if body["ClusterId"] == "j-2" { "k" } else { "of another run" };
            Ok(json!({"Cluster": {"Tags": [{"Key": "mwaalib:key", "Value": key}]}}))
        }
        _ => Ok(json!({"JobFlowId": "j-new"})),
    });
    let case = cases().remove(0);
    assert_eq!(start(&aws, &case, Some("k")).unwrap().ids, ["j-2"]);
    let described: Vec<Value> = aws.bodies("DescribeCluster").iter().map(|body| body["ClusterId"].clone()).collect();
    assert_eq!(described, ["j-9", "j-2"], "newest first, and no further than needed");
    assert_eq!(start(&aws, &case, Some("other")).unwrap().ids, ["j-new"]);
}

#[test]
fn steps_are_listed_no_further_back_than_they_can_be() {
    let aws = Fake::new(|operation, body| match operation {
        "ListSteps" => {
            let age = body["Marker"].as_str().map_or(0.0, |page| page.parse::<f64>().unwrap()) * 24.0 * 3600.0;
            let made = now() - age - 3600.0;
            let step = json!({"Id": "s-x", "Name": "another's", "Status": {"State": "COMPLETED", "Timeline": {"CreationDateTime": made}}});
            Ok(json!({"Steps": [step], "Marker": (age / 24.0 / 3600.0 + 1.0).to_string()}))
        }
        _ => Ok(json!({"StepIds": ["s-1"]})),
    });
    let case = cases().remove(1);
    start(&aws, &case, Some("k")).unwrap();
    assert_eq!(aws.bodies("ListSteps").len(), 8, "seven days");
    attempt(&aws, &case, Some("k"), true, Some(now() - 36.0 * 3600.0)).unwrap();
    assert_eq!(aws.bodies("ListSteps").len(), 8 + 3, "no further than the DAG run's start");
}

#[test]
fn steps_of_an_older_run_are_not_mixed_with_ours() {
    let aws = Fake::new(|operation, _| match operation {
        "ListSteps" => {
            let step = |id: &str, label: &str, state: &str| json!({"Id": id, "Name": format!("load [k/{label}]"), "Status": {"State": state}});
            Ok(json!({"Steps": [
                step("s-12", "0/2", "PENDING"), step("s-11", "0/1", "PENDING"), step("s-10", "0/0", "RUNNING"),
                step("s-3", "1/2", "FAILED"), step("s-2", "1/1", "FAILED"), step("s-1", "1/0", "FAILED"),
            ]}))
        }
        _ => panic!("nothing is to be started"),
    });
    assert_eq!(start(&aws, &cases()[1], Some("k")).unwrap().ids, ["s-10", "s-11", "s-12"]);
}

#[test]
fn a_throttled_look_is_waited_for() {
    for case in cases() {
        let refusals = Mutex::new(4);
        let aws = Fake::new(move |operation, _| match operation {
            "RunJobFlow" => Ok(json!({"JobFlowId": "j-1"})),
            "AddJobFlowSteps" => Ok(json!({"StepIds": ["s-1"]})),
            "StartJobRun" => Ok(json!({"JobRunId": "jr"})),
            "StartExecution" => Ok(json!({"executionArn": "arn"})),
            "SendCommand" => Ok(json!({"Command": {"CommandId": "c"}})),
            "DescribeExecution" if *refusals.lock().unwrap() == 0 => {
                Err(aws_error("ExecutionDoesNotExist", Class::NotFound))
            }
            _ if *refusals.lock().unwrap() > 0 => {
                *refusals.lock().unwrap() -= 1;
                Err(aws_error("ThrottlingException", Class::Throttled))
            }
            _ => Ok(json!({})),
        });
        assert_eq!(start(&aws, &case, Some("k")).unwrap().reattached, None, "{}", case.kind);
    }
}

#[test]
fn an_express_workflow_has_nothing_to_be_found() {
    let aws = Fake::new(|operation, _| match operation {
        "DescribeExecution" => Err(aws_error("InvalidArn", Class::Permanent)),
        _ => Ok(json!({"executionArn": "arn:aws:states:eu-west-1:1:express:Flow:k:u"})),
    });
    for reuse in [false, true] {
        assert_eq!(attempt(&aws, &cases()[2], Some("k"), reuse, None).unwrap().reattached, None);
    }
}
