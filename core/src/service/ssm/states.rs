//! SSM command invocations: their states and the calls that tell them.

use crate::wait::kind::{ALL, Api, Kind, List, Pages, StateTable};

static GET_COMMAND_INVOCATION: Api = api("GetCommandInvocation", "ssm:GetCommandInvocation", 20.0, 10.0);
pub(super) static LIST_COMMAND_INVOCATIONS: Api =
    api("ListCommandInvocations", "ssm:ListCommandInvocations", 10.0, 5.0);
/// The command's own state, when all its invocations that are listed have ended.
pub static LIST_COMMANDS: Api = api("ListCommands", "ssm:ListCommands", 10.0, 5.0);

const fn api(name: &'static str, permission: &'static str, burst: f64, refill: f64) -> Api {
    Api { service: "ssm", name, permission, burst, refill, account: None }
}

pub static COMMAND: Kind = Kind {
    name: "ssm_command",
    states: StateTable {
        pending: &["Pending", "InProgress", "Delayed", "Cancelling"],
        success: &["Success"],
        failure: &["Cancelled", "TimedOut", "Failed"],
    },
    single: &GET_COMMAND_INVOCATION,
    whole: Some(&LIST_COMMAND_INVOCATIONS),
    list: Some(List {
        api: &LIST_COMMAND_INVOCATIONS,
        ids: None,
        pages: Some(Pages { size: 50, active_only: false }),
        items: None,
        needs_parent: true,
    }),
    parent_of: None,
    console,
};

/// The command's page, or that of its invocation on one instance.
fn console(region: &str, command: Option<&str>, id: &str) -> Option<String> {
    let page = match command {
        Some(command) if id == ALL || id == command => command.to_owned(),
        Some(command) => format!("{command}/{id}"),
        None => id.to_owned(),
    };
    Some(format!("systems-manager/run-command/{page}?region={region}"))
}
