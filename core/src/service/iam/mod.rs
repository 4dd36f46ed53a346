//! IAM, over the Query protocol: the one call that a hook needs does not justify its SDK.

pub const VERSION: &str = "2010-05-08";

pub const OPERATIONS: &[&str] = &[
    "GetRole", //
];

/// Where IAM of the partition of `region` answers, and the region its requests are signed for.
pub fn endpoint(region: &str) -> (&'static str, &'static str) {
    match region {
        _ if region.starts_with("cn-") => ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        _ if region.starts_with("us-gov-") => ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        _ => ("https://iam.amazonaws.com", "us-east-1"),
    }
}
