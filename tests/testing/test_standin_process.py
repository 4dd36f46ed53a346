from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from mwaalib.testing.process import StandIn, StandInError, until


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def with_work(state_dir: Path) -> tuple[StandIn, list[int]]:
    """A stand-in with a step that has a child of its own in the background, and their process ids."""
    standin = StandIn.start(state_dir, time_scale=0)
    pids = state_dir / "pids"
    script = f"sleep 600 & echo $$ $! > {pids}.part; mv {pids}.part {pids}; wait"
    standin.client("emr").run_job_flow(
        Name="work",
        ReleaseLabel="emr-7.9.0",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
        },
        Steps=[{"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", script]}}],
    )
    until(pids.exists, bool)
    return standin, [int(pid) for pid in pids.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_work_outlives_the_standin(tmp_path: Path, number: int) -> None:
    standin, pids = with_work(tmp_path)
    assert standin.process is not None
    assert all(alive(pid) for pid in pids)
    os.kill(standin.process.pid, number)
    assert standin.process.wait(15) == (0 if number != signal.SIGKILL else -number)
    until(lambda: [pid for pid in pids if alive(pid)], lambda left: not left, timeout=5)
    assert (tmp_path / "standin.json").exists() == (number == signal.SIGKILL)


def test_a_port_in_use_is_named(standin: StandIn, tmp_path: Path) -> None:
    port = int(standin.endpoint.rsplit(":", 1)[1])
    with pytest.raises(StandInError, match=f"port {port} on 127.0.0.1 is in use"):
        StandIn.start(tmp_path, port=port)


def test_it_listens_on_the_loopback_only(standin: StandIn) -> None:
    port = f"{int(standin.endpoint.rsplit(':', 1)[1]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    assert [address for address, p in listening if p == port] == ["0100007F"]


def test_help_names_the_options() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "mwaalib.testing.standin", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(option in shown.stdout for option in ("--port", "--state-dir", "--time-scale", "--python"))


def test_throttling(standin: StandIn) -> None:
    standin.fault("emr", "ListClusters", "throttle", times=2)
    emr = standin.client("emr")
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException"):
            emr.list_clusters()
    emr.list_clusters()


def test_a_server_error_after_some_calls(standin: StandIn) -> None:
    standin.fault("glue", "GetDatabases", "error", skip=1, status=503, code="ServiceUnavailable")
    glue = standin.client("glue")
    glue.get_databases()
    with pytest.raises(ClientError, match="ServiceUnavailable") as raised:
        glue.get_databases()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    glue.get_databases()


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", "list_buckets"),
        ("cloudformation", "list_stacks"),
        ("iam", "list_roles"),
        ("lambda", "list_functions"),
    ],
)
def test_faults_speak_each_protocol(standin: StandIn, service: str, call: str) -> None:
    standin.fault(service, "*", "error", code="AccessDenied", message="no <entry> & more", status=403)
    with pytest.raises(ClientError, match="no <entry> & more") as raised:
        getattr(standin.client(service), call)()
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    getattr(standin.client(service), call)()


def test_delay_and_drop(standin: StandIn) -> None:
    ssm = standin.client("ssm")
    standin.fault("ssm", "DescribeParameters", "delay", seconds=0.5)
    begin = time.monotonic()
    ssm.describe_parameters()
    assert time.monotonic() - begin >= 0.5
    standin.fault("ssm", "DescribeParameters", "drop")
    with pytest.raises(ConnectionClosedError):
        ssm.describe_parameters()
    ssm.describe_parameters()


def test_an_endless_fault_is_cleared(standin: StandIn) -> None:
    standin.fault("sts", "GetCallerIdentity", "error", times=None)
    sts = standin.client("sts")
    for _ in range(3):
        with pytest.raises(ClientError):
            sts.get_caller_identity()
    standin.clear_faults()
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_a_wrong_fault_is_refused(standin: StandIn) -> None:
    with pytest.raises(StandInError, match="kind must be one of"):
        standin.fault("emr", "*", "no-such-kind")
    with pytest.raises(StandInError, match="no_such_field"):
        standin.fault("emr", "*", "error", no_such_field=1)


def test_calls_are_counted(standin: StandIn) -> None:
    standin.calls(reset=True)
    standin.client("glue").get_databases()
    standin.client("s3").list_buckets()
    standin.client("lambda").list_functions()
    standin.client("iam").list_roles()
    counts = standin.calls()
    assert counts == {
        "glue:GetDatabases": 1,
        "s3:ListBuckets": 1,
        "lambda:ListFunctions": 1,
        "iam:ListRoles": 1,
    }


def test_what_moto_lacks_is_a_permanent_error(standin: StandIn) -> None:
    with pytest.raises(ClientError, match="the stand-in does not have this") as raised:
        standin.client("emr").list_instance_fleets(ClusterId="j-X")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_unknown_piece_of_work_cannot_be_driven(standin: StandIn) -> None:
    with pytest.raises(StandInError, match="jr_none"):
        standin.drive("glue_job_run", "jr_none", "FAILED")
    with pytest.raises(StandInError, match="unknown kind"):
        standin.drive("nothing", "x", "FAILED")
    assert json.dumps(standin.environment())
