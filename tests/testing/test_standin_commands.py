from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn, until


def send(standin: StandIn, *lines: str, instances: tuple[str, ...] = ("i-1",), **more: Any) -> str:
    parameters = {"commands": list(lines), **more.pop("parameters", {})}
    sent = standin.client("ssm").send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=list(instances), Parameters=parameters, **more
    )
    assert sent["Command"]["Status"] == "Pending"
    return str(sent["Command"]["CommandId"])


def states(standin: StandIn, command: str) -> list[str]:
    found = standin.client("ssm").list_command_invocations(CommandId=command)["CommandInvocations"]
    return [invocation["Status"] for invocation in found]


def get(standin: StandIn, command: str, instance: str = "i-1") -> Any:
    return standin.client("ssm").get_command_invocation(CommandId=command, InstanceId=instance)


def test_a_command_runs_on_each_instance(standin: StandIn) -> None:
    standin.client("s3").create_bucket(Bucket="command-output")
    command = send(
        standin, "echo out", "echo err >&2", "sleep 1", instances=("i-1", "i-2"),
        OutputS3BucketName="command-output", OutputS3KeyPrefix="p",
    )  # fmt: skip
    seen = until(lambda: states(standin, command), lambda s: s == ["Success", "Success"])
    assert any("InProgress" in each for each in seen)
    done = get(standin, command, "i-2")
    assert (done["ResponseCode"], done["StandardOutputContent"], done["StandardErrorContent"]) == (
        0,
        "out\n",
        "err\n",
    )
    key = f"p/{command}/i-2/awsrunShellScript/0.awsrunShellScript/stdout"
    stored = standin.client("s3").get_object(Bucket="command-output", Key=key)["Body"].read()
    assert stored == b"out\n"
    listed = standin.client("ssm").list_commands(CommandId=command)["Commands"][0]
    assert (listed["Status"], listed["CompletedCount"]) == ("Success", 2)


@pytest.mark.parametrize(
    ("lines", "parameters", "status", "code"),
    [
        (["echo no such disk >&2; exit 4"], {}, "Failed", 4),
        (["sleep 60"], {"executionTimeout": ["1"]}, "TimedOut", -1),
    ],
)
def test_commands_that_fail(
    standin: StandIn, lines: list[str], parameters: Any, status: str, code: int
) -> None:
    command = send(standin, *lines, parameters=parameters)
    until(lambda: states(standin, command), lambda s: s == [status])
    assert get(standin, command)["ResponseCode"] == code
    if status == "Failed":
        assert "no such disk" in get(standin, command)["StandardErrorContent"]


def test_a_command_is_cancelled_or_driven(standin: StandIn) -> None:
    ssm = standin.client("ssm")
    first, second = send(standin, "sleep 60"), send(standin, "sleep 60")
    until(lambda: states(standin, first) + states(standin, second), lambda s: s == ["InProgress"] * 2)
    ssm.cancel_command(CommandId=first)
    until(lambda: states(standin, first), lambda s: s == ["Cancelled"])
    standin.drive("ssm_command", second, "Failed", message="as the test wants")
    assert get(standin, second)["StandardErrorContent"] == "as the test wants"


def test_wrong_commands(standin: StandIn) -> None:
    ssm = standin.client("ssm")
    with pytest.raises(ClientError, match="InvalidDocument"):
        ssm.send_command(DocumentName="AWS-RunPowerShellScript", InstanceIds=["i-1"])
    with pytest.raises(ClientError, match="InstanceIds or Targets"):
        ssm.send_command(DocumentName="AWS-RunShellScript", Parameters={"commands": ["true"]})
    with pytest.raises(ClientError, match="InvalidCommandId"):
        get(standin, "0" * 36)
    empty = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        Targets=[{"Key": "tag:none", "Values": ["x"]}],
        Parameters={"commands": ["true"]},
    )["Command"]
    assert empty["StatusDetails"] == "NoInstancesInTag"
