//! CloudWatch Logs.

use crate::Session;
use crate::service::operations;

operations!("logs", client => {
    "GetLogEvents" => get_log_events,
    "FilterLogEvents" => filter_log_events,
    "DescribeLogStreams" => describe_log_streams,
});

fn client(session: &Session, _once: bool) -> &aws_sdk_cloudwatchlogs::Client {
    session.logs()
}
