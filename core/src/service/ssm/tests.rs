//! SSM's diagnosis against scripted replies.

use serde_json::json;

use crate::diagnose::{self, Ended};
use crate::job::fake::{Fake, block_on};

#[test]
fn stderr_and_exit_code_of_the_instance_that_failed() {
    for id in ["i-2", "c-1", "*"] {
        let aws = Fake::new(|operation, body| match operation {
            "ListCommandInvocations" => Ok(json!({"CommandInvocations": [
                {"InstanceId": "i-1", "Status": "Success"}, {"InstanceId": "i-2", "Status": "Failed"}]})),
            _ => {
                assert_eq!((operation, &body["InstanceId"]), ("GetCommandInvocation", &json!("i-2")));
                Ok(
                    json!({"StatusDetails": "Failed", "ResponseCode": 127, "StandardErrorContent": "sh: nope: not found\npassword=hunter22",
                    "StandardErrorUrl": "https://s3/x/stderr"}),
                )
            }
        });
        let detail = json!({"Status": "Failed"});
        let failure = block_on(diagnose::diagnose(
            &aws,
            &Ended { kind: "ssm_command", parent: Some("c-1"), id, state: "Failed", detail: &detail },
        ));
        assert_eq!(failure.reason.as_deref(), Some("Failed, exit code 127"));
        assert_eq!(failure.cause.as_deref(), Some("stderr ends:\nsh: nope: not found\npassword=***"));
        assert_eq!(failure.logs.as_deref(), Some("https://s3/x/stderr"));
    }
}
