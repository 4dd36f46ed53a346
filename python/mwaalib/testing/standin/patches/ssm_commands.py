"""Systems Manager commands: they run, and their states change.

moto's commands are Success at once with no output; ListCommandInvocations, CancelCommand and
DescribeInstanceInformation are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.overlay import Request

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Serve the commands ourselves."""
    commands = runtime.commands
    for operation, function in (
        ("SendCommand", commands.send),
        ("ListCommands", commands.list_commands),
        ("ListCommandInvocations", commands.list_invocations),
        ("GetCommandInvocation", commands.get_invocation),
        ("CancelCommand", commands.cancel),
        ("DescribeInstanceInformation", _instances),
    ):
        runtime.overlay.add("ssm", operation, function)


def _instances(request: Request) -> dict[str, Any]:
    from moto.ec2.models import ec2_backends

    reservations = ec2_backends[request.account][request.region].all_reservations()
    ids = [instance.id for reservation in reservations for instance in reservation.instances]
    return {"InstanceInformationList": [{"InstanceId": i, "PingStatus": "Online"} for i in ids]}
