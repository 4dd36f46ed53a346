"""Work in the stand-in for operators to run and sensors to watch."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/r"


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def cluster_request(name: str, *, keep: bool = True) -> dict[str, Any]:
    return {
        "Name": name,
        "ReleaseLabel": "emr-7.9.0",
        "LogUri": "s3://logs/emr/",
        "Instances": {
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}],
            "KeepJobFlowAliveWhenNoSteps": keep,
        },
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "ServiceRole": "EMR_DefaultRole",
    }


def step(command: str, name: str = "step") -> dict[str, Any]:
    return {
        "Name": name,
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", command]},
    }


def cluster(aws: Any, state: str | None = None) -> str:
    """Start a cluster of its own, in a state if one is given."""
    found = aws.client("emr").run_job_flow(**cluster_request(unique("c")))["JobFlowId"]
    if state:
        aws.drive("emr_job_flow", found, state)
    return found


def machine(aws: Any, definition: dict[str, Any]) -> str:
    return aws.client("stepfunctions").create_state_machine(
        name=unique("m"), definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]


PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad.Rating", "Cause": "no stars"}}}
SLOW = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}


def glue_job(aws: Any, name: str) -> None:
    aws.client("glue").create_job(
        Name=name, Role=ROLE, Command={"Name": "glueetl", "ScriptLocation": "s3://b/x.py"}
    )


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.05)
