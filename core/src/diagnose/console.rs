//! Where the AWS console shows a job.

use crate::service;

/// The console's address for a job, or None where the region is unknown or the partition has no
/// public console.
pub fn console_url(kind: &str, region: Option<&str>, parent: Option<&str>, id: &str) -> Option<String> {
    let region = region.or_else(|| arn_region(parent.unwrap_or(id)))?;
    let host = format!("https://{region}.console.{}", domain(region)?);
    let path = (service::kind(kind)?.console)(region, parent, id)?;
    Some(format!("{host}/{path}"))
}

fn domain(region: &str) -> Option<&'static str> {
    if region.starts_with("cn-") {
        Some("amazonaws.cn")
    } else if region.starts_with("us-gov-") {
        Some("amazonaws-us-gov.com")
    } else if region.contains("-iso") || region.starts_with("eusc-") {
        None
    } else {
        Some("aws.amazon.com")
    }
}

fn arn_region(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// A name as a part of an address.
pub(crate) fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::console_url;

    #[test]
    fn addresses_by_kind_and_partition() {
        let url = |kind, region, parent, id| console_url(kind, region, parent, id).unwrap_or_default();
        assert_eq!(
            url("emr_step", Some("eu-west-1"), Some("j-1"), "s-1"),
            "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/clusterDetails/j-1"
        );
        assert!(url("emr_job_flow", Some("cn-north-1"), None, "j-1").contains(".console.amazonaws.cn/emr/"));
        assert!(url("glue_crawler", Some("us-gov-west-1"), None, "c").contains("amazonaws-us-gov.com"));
        assert!(url("glue_job_run", Some("us-east-1"), Some("my job"), "jr").ends_with("#/job/my%20job/run/jr"));
        let arn = "arn:aws:states:us-west-2:1:execution:m:n";
        assert_eq!(
            url("sfn_execution", None, None, arn),
            format!(
                "https://us-west-2.console.aws.amazon.com/states/home?region=us-west-2#/v2/executions/details/{arn}"
            )
        );
        assert!(url("ssm_command", Some("us-east-1"), Some("c-1"), "i-1").contains("run-command/c-1/i-1?region"));
        assert_eq!(console_url("emr_job_flow", None, None, "j-1"), None);
        assert_eq!(console_url("emr_job_flow", Some("us-iso-east-1"), None, "j-1"), None);
        assert_eq!(console_url("emr_step", Some("us-east-1"), None, "s-1"), None);
    }
}
