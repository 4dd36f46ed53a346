//! CloudWatch Logs.

use crate::Session;
use crate::service::operations;

operations!("logs", client, "Logs_20140328" by put_retention_policy: [
    "GetLogEvents",
    "FilterLogEvents",
    "DescribeLogStreams",
]);

fn client(session: &Session, _once: bool) -> &aws_sdk_cloudwatchlogs::Client {
    session.logs()
}
