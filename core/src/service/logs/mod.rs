//! CloudWatch Logs.

use crate::Session;
use crate::service::operations;
use crate::wait::kind::Api;

/// Asked for the logs of Glue runs. AWS publishes 25 calls a second, 10 in some regions.
pub static GET_LOG_EVENTS: Api = Api {
    service: "logs",
    name: "GetLogEvents",
    permission: "logs:GetLogEvents",
    burst: 25.0,
    refill: 25.0,
    account: None,
};

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
