//! CloudWatch Logs.

use crate::service::operations;
use crate::Session;

operations!("logs", client => {
    "GetLogEvents" => get_log_events,
    "FilterLogEvents" => filter_log_events,
    "DescribeLogStreams" => describe_log_streams,
});

fn client(session: &Session) -> &aws_sdk_cloudwatchlogs::Client {
    session.logs()
}
