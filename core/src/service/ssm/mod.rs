//! Systems Manager.

use crate::service::operations;
use crate::Session;

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

fn client(session: &Session) -> &aws_sdk_ssm::Client {
    session.retrying().ssm()
}
