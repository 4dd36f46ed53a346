from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn, until

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


def step(
    name: str, *args: str, jar: str = "command-runner.jar", on_failure: str = "CONTINUE"
) -> dict[str, Any]:
    return {"Name": name, "ActionOnFailure": on_failure, "HadoopJarStep": {"Jar": jar, "Args": list(args)}}


def start(standin: StandIn, *steps: dict[str, Any], keep: bool = True, **more: Any) -> str:
    standin.client("s3").create_bucket(Bucket="emr-logs")
    answer = standin.client("emr").run_job_flow(
        Name="test",
        LogUri="s3://emr-logs/logs/",
        ReleaseLabel="emr-7.9.0",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": keep,
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
        },
        Steps=list(steps),
        JobFlowRole="r",
        ServiceRole="s",
        **more,
    )
    return str(answer["JobFlowId"])


def cluster_state(standin: StandIn, cluster: str) -> str:
    return str(standin.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"])


def steps_of(standin: StandIn, cluster: str) -> dict[str, dict[str, Any]]:
    return {s["Name"]: s for s in standin.client("emr").list_steps(ClusterId=cluster)["Steps"]}


def step_state(standin: StandIn, cluster: str, name: str) -> str:
    return str(steps_of(standin, cluster)[name]["Status"]["State"])


def log(standin: StandIn, cluster: str, step_id: str, name: str) -> str:
    key = f"logs/{cluster}/steps/{step_id}/{name}.gz"
    body = standin.client("s3").get_object(Bucket="emr-logs", Key=key)["Body"].read()
    return gzip.decompress(body).decode()


def test_a_cluster_lives_through_its_states_and_ends_after_its_last_step(standin: StandIn) -> None:
    cluster = start(standin, step("hello", "bash", "-c", "echo hello; echo $AWS_ENDPOINT_URL"), keep=False)
    seen = until(lambda: cluster_state(standin, cluster), lambda s: s.startswith("TERMINATED"))
    order = ["STARTING", "BOOTSTRAPPING", "RUNNING", "TERMINATING", "TERMINATED"]
    assert [s for s in order if s in seen] == seen
    assert seen[0] in ("STARTING", "BOOTSTRAPPING")
    assert seen[-1] == "TERMINATED"
    hello = steps_of(standin, cluster)["hello"]
    assert hello["Status"]["State"] == "COMPLETED"
    assert log(standin, cluster, hello["Id"], "stdout") == f"hello\n{standin.endpoint}\n"
    status = standin.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
    assert status["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"


def test_a_failed_step_has_its_reason_and_its_logs(standin: StandIn) -> None:
    cluster = start(standin, step("bad", "bash", "-c", "echo 'ValueError: no such thing' >&2; exit 3"))
    until(lambda: step_state(standin, cluster, "bad"), lambda s: s in ENDED)
    bad = steps_of(standin, cluster)["bad"]
    details = standin.client("emr").describe_step(ClusterId=cluster, StepId=bad["Id"])["Step"]["Status"]
    assert details["State"] == "FAILED"
    assert details["FailureDetails"]["Message"] == "ValueError: no such thing"
    assert details["FailureDetails"]["LogFile"].endswith(f"{cluster}/steps/{bad['Id']}/stderr.gz")
    assert "no such thing" in log(standin, cluster, bad["Id"], "stderr")
    assert "startExec bash" in log(standin, cluster, bad["Id"], "controller")
    until(lambda: cluster_state(standin, cluster), lambda s: s == "WAITING")


@pytest.mark.parametrize("program", ["no-such-program", "s3"])
def test_a_step_that_cannot_be_run_fails(standin: StandIn, program: str) -> None:
    bad = (
        step("bad", "s3://emr-logs/none.sh", jar="s3://x/script-runner.jar")
        if program == "s3"
        else step("bad", program)
    )
    cluster = start(standin, bad)
    until(lambda: step_state(standin, cluster, "bad"), lambda s: s in ENDED)
    status = steps_of(standin, cluster)["bad"]["Status"]
    assert status["State"] == "FAILED"
    assert ("none.sh" if program == "s3" else program) in status["FailureDetails"]["Message"]


def test_a_script_from_s3_runs_with_its_arguments(standin: StandIn) -> None:
    cluster = start(standin)
    standin.client("s3").put_object(
        Bucket="emr-logs", Key="s.sh", Body=b'#!/bin/bash\necho "$1" | aws s3 cp - s3://emr-logs/out.txt\n'
    )
    runner = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"
    standin.client("emr").add_job_flow_steps(
        JobFlowId=cluster, Steps=[step("script", "s3://emr-logs/s.sh", "a b", jar=runner)]
    )
    until(lambda: step_state(standin, cluster, "script"), lambda s: s in ENDED)
    assert steps_of(standin, cluster)["script"]["Status"]["State"] == "COMPLETED"
    assert standin.client("s3").get_object(Bucket="emr-logs", Key="out.txt")["Body"].read() == b"a b\n"


def test_steps_wait_for_each_other_unless_concurrency_is_higher(standin: StandIn) -> None:
    one = start(standin, *(step(n, "sleep", "1") for n in "abc"))
    many = start(standin, *(step(n, "sleep", "1") for n in "abc"), StepConcurrencyLevel=3)

    def running(cluster: str) -> int:
        return sum(s["Status"]["State"] == "RUNNING" for s in steps_of(standin, cluster).values())

    most = {one: 0, many: 0}
    while any(s["Status"]["State"] not in ENDED for c in most for s in steps_of(standin, c).values()):
        most = {c: max(m, running(c)) for c, m in most.items()}
        time.sleep(0.05)
    assert most == {one: 1, many: 3}


@pytest.mark.parametrize(
    ("action", "cluster_ends", "next_step"),
    [
        ("TERMINATE_CLUSTER", "TERMINATED_WITH_ERRORS", "CANCELLED"),
        ("CANCEL_AND_WAIT", "WAITING", "CANCELLED"),
        ("CONTINUE", "WAITING", "COMPLETED"),
    ],
)
def test_action_on_failure(standin: StandIn, action: str, cluster_ends: str, next_step: str) -> None:
    cluster = start(standin, step("bad", "false", on_failure=action), step("next", "true"))
    until(lambda: cluster_state(standin, cluster), lambda s: s == cluster_ends)
    assert step_state(standin, cluster, "next") == next_step


def test_terminating_a_cluster_ends_its_steps_processes(standin: StandIn, tmp_path: Any) -> None:
    pid_file = tmp_path / "pid"
    cluster = start(
        standin, step("long", "bash", "-c", f"sleep 600 & echo $! > {pid_file}; wait"), step("later", "true")
    )
    until(lambda: step_state(standin, cluster, "long"), lambda s: s == "RUNNING")
    until(pid_file.exists, bool)
    time.sleep(0.1)
    standin.client("emr").terminate_job_flows(JobFlowIds=[cluster])
    until(lambda: cluster_state(standin, cluster), lambda s: s == "TERMINATED")
    assert step_state(standin, cluster, "long") == "INTERRUPTED"
    assert step_state(standin, cluster, "later") == "CANCELLED"
    stat = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rsplit(")")[-1].split()[0] == "Z"
    with pytest.raises(ClientError, match=r"ValidationException.*shutting down"):
        standin.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=[step("x", "true")])


def test_cancel_steps(standin: StandIn) -> None:
    cluster = start(standin, step("running", "sleep", "600"), step("pending", "true"))
    until(lambda: step_state(standin, cluster, "running"), lambda s: s == "RUNNING")
    ids = [s["Id"] for s in steps_of(standin, cluster).values()]
    answers = standin.client("emr").cancel_steps(ClusterId=cluster, StepIds=[*ids, "s-NONE"])[
        "CancelStepsInfoList"
    ]
    assert [a["Status"] for a in answers] == ["SUBMITTED", "SUBMITTED", "FAILED"]
    for name in ("running", "pending"):
        until(lambda n=name: step_state(standin, cluster, n), lambda s: s == "CANCELLED")


def test_termination_protection(standin: StandIn) -> None:
    cluster = start(standin)
    emr = standin.client("emr")
    emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    with pytest.raises(ClientError, match="termination protected"):
        emr.terminate_job_flows(JobFlowIds=[cluster])
    assert cluster_state(standin, cluster) not in ("TERMINATING", "TERMINATED")


@pytest.mark.parametrize(
    "call",
    [
        lambda emr: emr.describe_cluster(ClusterId="j-NONE"),
        lambda emr: emr.list_steps(ClusterId="j-NONE"),
        lambda emr: emr.describe_step(ClusterId="j-NONE", StepId="s-NONE"),
        lambda emr: emr.add_job_flow_steps(JobFlowId="j-NONE", Steps=[step("x", "true")]),
        lambda emr: emr.terminate_job_flows(JobFlowIds=["j-NONE"]),
        lambda emr: emr.cancel_steps(ClusterId="j-NONE", StepIds=["s-NONE"]),
    ],
)
def test_an_unknown_cluster_is_an_error(standin: StandIn, call: Any) -> None:
    with pytest.raises(ClientError, match="Cluster id 'j-NONE' is not valid") as raised:
        call(standin.client("emr"))
    assert raised.value.response["Error"]["Code"] == "InvalidRequestException"


def test_driving_a_step_to_a_state(standin: StandIn) -> None:
    cluster = start(standin, step("driven", "sleep", "600"))
    step_id = steps_of(standin, cluster)["driven"]["Id"]
    standin.drive("emr_step", step_id, "FAILED", parent=cluster, message="as the test wants")
    status = steps_of(standin, cluster)["driven"]["Status"]
    assert (status["State"], status["FailureDetails"]["Message"]) == ("FAILED", "as the test wants")
    standin.drive("emr_job_flow", cluster, "TERMINATED_WITH_ERRORS")
    assert cluster_state(standin, cluster) == "TERMINATED_WITH_ERRORS"


def test_an_idle_cluster_terminates_itself(standin: StandIn) -> None:
    emr = standin.client("emr")
    cluster = start(standin, AutoTerminationPolicy={"IdleTimeout": 3600})
    assert emr.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {
        "IdleTimeout": 3600
    }
    until(lambda: cluster_state(standin, cluster), lambda s: s == "WAITING")
    emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 1})
    until(lambda: cluster_state(standin, cluster), lambda s: s == "TERMINATED")
