//! Systems Manager.

pub(crate) mod probe;

use crate::Session;
use crate::service::operations;

operations!("ssm", client => {
    "GetParameter" => get_parameter,
    "GetParameters" => get_parameters,
    "GetParametersByPath" => get_parameters_by_path,
    "PutParameter" => put_parameter,
    "SendCommand" => send_command,
    "GetCommandInvocation" => get_command_invocation,
    "ListCommands" => list_commands,
    "ListCommandInvocations" => list_command_invocations,
    "CancelCommand" => cancel_command,
});

fn client(session: &Session, once: bool) -> &aws_sdk_ssm::Client {
    if once { session.ssm() } else { session.retrying().ssm() }
}
