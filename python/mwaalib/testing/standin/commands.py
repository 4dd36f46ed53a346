"""Systems Manager commands: a shell script that is sent runs on this machine, once an instance."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.emr.command import environment
from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.overlay import Request
from mwaalib.testing.standin.processes import Child

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

DOCUMENT = "AWS-RunShellScript"
PLUGIN = "aws:runShellScript"
ENDED = ("Success", "Cancelled", "TimedOut", "Failed")
_OUTPUT = 24000


@dataclass
class Invocation:
    """A command on one instance."""

    instance: str
    status: str = "Pending"
    code: int = -1
    output: str = ""
    error: str = ""
    began: float = 0.0
    ended: float = 0.0
    child: Child | None = None
    cancelled: bool = False
    driven: bool = False


@dataclass
class Command:
    """A command that was sent."""

    id: str
    body: dict[str, Any]
    region: str
    visible_at: float
    requested: float = field(default_factory=time.time)
    invocations: list[Invocation] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The command's status, made of its invocations'."""
        states = [invocation.status for invocation in self.invocations]
        if any(state not in ENDED for state in states):
            return "Pending" if all(state == "Pending" for state in states) else "InProgress"
        return next((bad for bad in ("Failed", "TimedOut", "Cancelled") if bad in states), "Success")


class Commands:
    """All commands of the stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._commands: dict[str, Command] = {}

    def send(self, request: Request) -> dict[str, Any]:
        """SendCommand.

        :raises AwsError: another document than AWS-RunShellScript, or no instance named.
        """
        body = request.body
        if body.get("DocumentName") != DOCUMENT:
            raise AwsError(
                "InvalidDocument", f"the stand-in runs {DOCUMENT} only, not {body.get('DocumentName')}"
            )
        if not body.get("InstanceIds") and not body.get("Targets"):
            raise AwsError("ValidationException", "Either InstanceIds or Targets must be given")
        wait = self._runtime.settings.phase("ssm.pending")
        command = Command(str(uuid.uuid4()), body, request.region, time.monotonic() + wait)
        command.invocations = [Invocation(instance) for instance in self._instances(request)]
        with self._lock:
            self._commands[command.id] = command
        for invocation in command.invocations:
            threading.Thread(target=self._run, args=(command, invocation), daemon=True).start()
        return {"Command": self._describe(command)}

    def list_commands(self, request: Request) -> dict[str, Any]:
        """ListCommands, newest first."""
        wanted = request.body.get("CommandId")
        with self._lock:
            found = [c for c in self._commands.values() if wanted in (None, c.id)]
        if wanted and not found:
            raise AwsError("InvalidCommandId", f"no such command: {wanted}")
        return _page([self._describe(command) for command in reversed(found)], "Commands", request)

    def list_invocations(self, request: Request) -> dict[str, Any]:
        """ListCommandInvocations; an invocation is there only some time after its command was sent."""
        body = request.body
        with self._lock:
            commands = list(reversed(self._commands.values()))
        filters = {f["key"]: f["value"] for f in body.get("Filters") or []}
        found = [
            self._invocation(command, invocation, bool(body.get("Details")))
            for command in commands
            if body.get("CommandId") in (None, command.id) and time.monotonic() >= command.visible_at
            for invocation in command.invocations
            if body.get("InstanceId") in (None, invocation.instance)
            and filters.get("Status") in (None, invocation.status)
        ]
        return _page(found, "CommandInvocations", request)

    def get_invocation(self, request: Request) -> dict[str, Any]:
        """GetCommandInvocation.

        :raises AwsError: no such command, or it is not there yet.
        """
        command, invocation = self._find(
            request.body.get("CommandId", ""), request.body.get("InstanceId", "")
        )
        if invocation is None or time.monotonic() < command.visible_at:
            raise AwsError("InvocationDoesNotExist", "")
        return {
            "CommandId": command.id,
            "InstanceId": invocation.instance,
            "Comment": command.body.get("Comment", ""),
            "DocumentName": DOCUMENT,
            "PluginName": PLUGIN,
            "ResponseCode": invocation.code,
            "ExecutionStartDateTime": _iso(invocation.began),
            "ExecutionElapsedTime": f"PT{max(0.0, invocation.ended - invocation.began):.3f}S",
            "ExecutionEndDateTime": _iso(invocation.ended),
            "Status": invocation.status,
            "StatusDetails": invocation.status,
            "StandardOutputContent": invocation.output[:_OUTPUT],
            "StandardErrorContent": invocation.error[:_OUTPUT],
        }

    def cancel(self, request: Request) -> dict[str, Any]:
        """CancelCommand."""
        command, _ = self._find(request.body.get("CommandId", ""), "")
        wanted = request.body.get("InstanceIds")
        for invocation in command.invocations:
            if not wanted or invocation.instance in wanted:
                invocation.cancelled = True
                if invocation.child is not None:
                    threading.Thread(target=invocation.child.stop, daemon=True).start()
        return {}

    def drive(self, command_id: str, state: str, instance: str | None, message: str) -> None:
        """Put a command's invocations into a state that a test wants."""
        command, _ = self._find(command_id, "")
        for invocation in command.invocations:
            if instance in (None, invocation.instance):
                invocation.driven, invocation.status, invocation.error = True, state, message
                if state in ENDED and invocation.child is not None:
                    threading.Thread(target=invocation.child.stop, daemon=True).start()

    def clear(self) -> None:
        """Forget all commands (their processes are ended by the supervisor)."""
        with self._lock:
            self._commands.clear()

    def _run(self, command: Command, invocation: Invocation) -> None:
        time.sleep(max(0.0, command.visible_at - time.monotonic()))
        self._set(invocation, "InProgress")
        invocation.began = time.time()
        runtime, work = self._runtime, self._runtime.work_dir("ssm", command.id, invocation.instance)
        parameters = command.body.get("Parameters") or {}
        script = work / "script.sh"
        script.write_text("\n".join(parameters.get("commands") or []) + "\n")
        limit = float((parameters.get("executionTimeout") or ["3600"])[0])
        with (work / "stdout").open("wb") as out, (work / "stderr").open("wb") as err:
            env = environment(runtime.environment(command.region), runtime.settings.python)
            invocation.child = runtime.supervisor.start(
                ["bash", str(script)], cwd=work, env=env, stdout=out, stderr=err
            )
            if invocation.cancelled:
                invocation.child.stop()
            status = invocation.child.wait(limit)
            if status is None:
                invocation.child.stop()
        invocation.output = (work / "stdout").read_text("utf-8", "replace")
        if not invocation.driven:
            invocation.error = (work / "stderr").read_text("utf-8", "replace")
        invocation.ended = time.time()
        invocation.code = -1 if status is None else status
        self._upload(command, invocation)
        if invocation.cancelled:
            self._set(invocation, "Cancelled")
        elif status is None:
            self._set(invocation, "TimedOut")
        else:
            self._set(invocation, "Success" if status == 0 else "Failed")

    @staticmethod
    def _set(invocation: Invocation, status: str) -> None:
        if not invocation.driven:
            invocation.status = status

    def _upload(self, command: Command, invocation: Invocation) -> None:
        bucket = command.body.get("OutputS3BucketName")
        if not bucket or bucket not in self._runtime.store.buckets():
            return
        parts = [command.body.get("OutputS3KeyPrefix", ""), command.id, invocation.instance]
        folder = "/".join([part for part in parts if part] + ["awsrunShellScript/0.awsrunShellScript"])
        for name, text in (("stdout", invocation.output), ("stderr", invocation.error)):
            if text:
                self._runtime.store.write(f"s3://{bucket}/{folder}/{name}", text.encode())

    def _instances(self, request: Request) -> list[str]:
        named = list(request.body.get("InstanceIds") or [])
        filters = {}
        for target in request.body.get("Targets") or []:
            if target["Key"].lower() == "instanceids":
                named += target["Values"]
            else:
                filters[target["Key"]] = target["Values"]
        if filters:
            from moto.ec2.models import ec2_backends

            reservations = ec2_backends[request.account][request.region].all_reservations(filters=filters)
            named += [instance.id for reservation in reservations for instance in reservation.instances]
        return list(dict.fromkeys(named))

    def _find(self, command_id: str, instance: str) -> tuple[Command, Invocation | None]:
        with self._lock:
            command = self._commands.get(command_id)
        if command is None:
            raise AwsError("InvalidCommandId", f"no such command: {command_id}")
        return command, next((i for i in command.invocations if i.instance == instance), None)

    @staticmethod
    def _describe(command: Command) -> dict[str, Any]:
        states = [invocation.status for invocation in command.invocations]
        kept = ("Comment", "Parameters", "InstanceIds", "Targets", "OutputS3BucketName", "OutputS3KeyPrefix")
        return {
            **{name: command.body[name] for name in kept if name in command.body},
            "CommandId": command.id,
            "DocumentName": DOCUMENT,
            "RequestedDateTime": command.requested,
            "Status": command.status,
            "StatusDetails": command.status if states else "NoInstancesInTag",
            "TargetCount": len(states),
            "CompletedCount": sum(state in ENDED for state in states),
            "ErrorCount": sum(state in ("Failed", "TimedOut") for state in states),
        }

    @staticmethod
    def _invocation(command: Command, invocation: Invocation, details: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "CommandId": command.id,
            "InstanceId": invocation.instance,
            "Comment": command.body.get("Comment", ""),
            "DocumentName": DOCUMENT,
            "RequestedDateTime": command.requested,
            "Status": invocation.status,
            "StatusDetails": invocation.status,
        }
        if details:
            plugin = {"Name": PLUGIN, "Status": invocation.status, "ResponseCode": invocation.code}
            answer["CommandPlugins"] = [{**plugin, "Output": (invocation.output + invocation.error)[:2500]}]
        return answer


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) if moment else ""


def _page(items: list[dict[str, Any]], member: str, request: Request) -> dict[str, Any]:
    start, size = int(request.body.get("NextToken") or 0), int(request.body.get("MaxResults") or 50)
    answer: dict[str, Any] = {member: items[start : start + size]}
    if len(items) > start + size:
        answer["NextToken"] = str(start + size)
    return answer
