//! CloudWatch Logs.

use crate::Session;
use crate::service::operations;

operations!("logs", client, "Logs_20140328" by put_retention_policy: [
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
    "GetLogGroupFields",
    "GetLogRecord",
    "GetQueryResults",
    "ListTagsForResource",
    "PutLogEvents",
    "PutRetentionPolicy",
    "StartQuery",
    "StopQuery",
]);

fn client(session: &Session, _once: bool) -> &aws_sdk_cloudwatchlogs::Client {
    session.logs()
}
