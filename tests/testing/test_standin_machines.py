from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn, until

ROLE = "arn:aws:iam::123456789012:role/machine"
#: A bootstrap in the form of an executable, as the Rust functions are.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, sys, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
count = 0
while True:
    with urllib.request.urlopen(base + "next") as reply:
        event, request = json.loads(reply.read()), reply.headers["Lambda-Runtime-Aws-Request-Id"]
    count += 1
    print("event", event, flush=True)
    if event.get("crash"):
        sys.exit(7)
    if event.get("sleep"):
        __import__("time").sleep(event["sleep"])
    if event.get("fail"):
        path, body = "/error", {"errorType": event["fail"], "errorMessage": "as the event wants"}
    else:
        path, body = "/response", {"count": count, "greeting": os.environ["GREETING"]}
        body["endpoint"] = os.environ["AWS_ENDPOINT_URL"]
    answer = urllib.request.Request(base + request + path, json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(answer).read()
"""


@pytest.fixture(scope="module")
def function(standin: StandIn) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bootstrap", BOOTSTRAP)
    standin.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument="{}")
    standin.client("lambda").create_function(
        FunctionName="greeter", Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Timeout=1,
        Code={"ZipFile": buffer.getvalue()}, Environment={"Variables": {"GREETING": "Grüezi"}},
    )  # fmt: skip
    return "greeter"


def invoke(standin: StandIn, name: str, **event: Any) -> tuple[str | None, Any]:
    reply = standin.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return reply.get("FunctionError"), json.loads(reply["Payload"].read())


def run(standin: StandIn, definition: dict[str, Any], given: Any = None, wait: bool = True) -> dict[str, Any]:
    sfn = standin.client("stepfunctions")
    name = f"m{time.monotonic_ns()}"
    arn = sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)[
        "stateMachineArn"
    ]
    execution = sfn.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"]
    if wait:
        until(lambda: sfn.describe_execution(executionArn=execution)["status"], lambda s: s != "RUNNING")
    return dict(sfn.describe_execution(executionArn=execution))


def one_state(**state: Any) -> dict[str, Any]:
    state.setdefault("Type", "Task")
    return {"StartAt": "S", "States": {"S": {**state, "End": True}}}


def test_a_function_runs_its_binary_and_stays_warm(standin: StandIn, function: str) -> None:
    error, first = invoke(standin, function)
    assert error is None
    assert first == {"count": first["count"], "greeting": "Grüezi", "endpoint": standin.endpoint}
    assert invoke(standin, function)[1]["count"] == first["count"] + 1
    group = "/aws/lambda/greeter"
    stream = standin.client("logs").describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    events = standin.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert "event {}" in [e["message"] for e in events]


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"fail": "NoSuchMovie"}, "NoSuchMovie", "as the event wants"),
        ({"crash": True}, "Runtime.ExitError", "exit status 7"),
        ({"sleep": 5}, "Sandbox.Timedout", "timed out after 1.00 seconds"),
    ],
)
def test_a_function_that_fails(standin: StandIn, function: str, event: Any, kind: str, message: str) -> None:
    error, body = invoke(standin, function, **event)
    assert error == "Unhandled"
    assert body["errorType"] == kind
    assert message in body["errorMessage"]
    assert invoke(standin, function)[0] is None  # and works again afterwards


def test_a_machine_invokes_the_function_and_catches_its_errors_by_name(
    standin: StandIn, function: str
) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
            "Payload.$": "$",
        },
        "OutputPath": "$.Payload",
        "Catch": [{"ErrorEquals": ["NoSuchMovie"], "ResultPath": "$.error", "Next": "Caught"}],
        "Next": "Done",
    }
    states = {"Call": task, "Done": {"Type": "Succeed"}, "Caught": {"Type": "Pass", "End": True}}
    good = run(standin, {"StartAt": "Call", "States": states})
    assert good["status"] == "SUCCEEDED"
    assert json.loads(good["output"])["greeting"] == "Grüezi"
    caught = run(standin, {"StartAt": "Call", "States": states}, {"fail": "NoSuchMovie"})
    assert caught["status"] == "SUCCEEDED"
    assert json.loads(caught["output"])["error"]["Error"] == "NoSuchMovie"
    failed = run(standin, {"StartAt": "Call", "States": states}, {"fail": "Other"})
    assert (failed["status"], failed["error"]) == ("FAILED", "Other")
    assert "as the event wants" in failed["cause"]


def test_a_failed_machine_tells_error_and_cause(standin: StandIn) -> None:
    failed = run(standin, one_state(Type="Fail", Error="Movies.Missing", Cause="none found") | {})
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Movies.Missing", "none found")


def test_sdk_errors_have_the_names_of_aws(standin: StandIn) -> None:
    task = one_state(Resource="arn:aws:states:::aws-sdk:glue:startCrawler", Parameters={"Name": "none"})
    failed = run(standin, task)
    assert failed["error"] == "Glue.EntityNotFoundException"


def test_outputs_with_times_are_described(standin: StandIn) -> None:
    standin.client("ssm").put_parameter(Name="when", Value="now", Type="String")
    task = one_state(Resource="arn:aws:states:::aws-sdk:ssm:getParameter", Parameters={"Name": "when"})
    done = run(standin, task)
    assert done["status"] == "SUCCEEDED"
    parameter = json.loads(done["output"])["Parameter"]
    assert parameter["Value"] == "now"
    assert parameter["LastModifiedDate"].endswith("Z")


@pytest.mark.parametrize(
    ("script", "status"), [("print(1)", "SUCCEEDED"), ("raise ValueError('bad ratings')", "FAILED")]
)
def test_a_machine_waits_for_a_glue_job(standin: StandIn, script: str, status: str) -> None:
    s3, glue = standin.client("s3"), standin.client("glue")
    s3.create_bucket(Bucket="sync")
    s3.put_object(Bucket="sync", Key=f"{status}.py", Body=script.encode())
    location = {"Name": "pythonshell", "ScriptLocation": f"s3://sync/{status}.py"}
    glue.create_job(Name=f"sync-{status}", Role=ROLE, Command=location)
    task = one_state(
        Resource="arn:aws:states:::glue:startJobRun.sync", Parameters={"JobName": f"sync-{status}"}
    )
    done = run(standin, task)
    assert done["status"] == status
    if status == "SUCCEEDED":
        assert json.loads(done["output"])["JobRunState"] == "SUCCEEDED"
    else:
        assert done["error"] == "States.TaskFailed"
        assert "ValueError: bad ratings" in done["cause"]


def test_a_machine_starts_another_and_waits(standin: StandIn) -> None:
    sfn = standin.client("stepfunctions")
    inner = sfn.create_state_machine(
        name="inner", definition=json.dumps(one_state(Type="Pass", Result={"x": 1})), roleArn=ROLE
    )["stateMachineArn"]
    task = one_state(
        Resource="arn:aws:states:::states:startExecution.sync:2",
        Parameters={"StateMachineArn": inner, "Input": {"a": 1}},
    )
    done = run(standin, task)
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["Output"] == {"x": 1}


def test_unnamed_executions_are_different_ones(standin: StandIn) -> None:
    sfn = standin.client("stepfunctions")
    definition = json.dumps(one_state(Type="Wait", Seconds=60))
    arn = sfn.create_state_machine(name="unnamed", definition=definition, roleArn=ROLE)["stateMachineArn"]
    first = sfn.start_execution(stateMachineArn=arn, input='{"n": 1}')["executionArn"]
    second = sfn.start_execution(stateMachineArn=arn, input='{"n": 2}')["executionArn"]
    assert first != second
    named = sfn.start_execution(stateMachineArn=arn, name="n", input='{"n": 3}')["executionArn"]
    assert sfn.start_execution(stateMachineArn=arn, name="n", input='{"n": 3}')["executionArn"] == named
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        sfn.start_execution(stateMachineArn=arn, name="n", input='{"n": 4}')
    for execution in (first, second, named):
        sfn.stop_execution(executionArn=execution)


def test_a_stopped_execution_keeps_error_and_cause(standin: StandIn) -> None:
    sfn = standin.client("stepfunctions")
    running = run(standin, one_state(Type="Wait", Seconds=60), wait=False)
    assert running["status"] == "RUNNING"
    assert "stopDate" not in running
    sfn.stop_execution(executionArn=running["executionArn"], error="Airflow", cause="task was cleared")
    time.sleep(0.5)
    stopped = sfn.describe_execution(executionArn=running["executionArn"])
    assert (stopped["status"], stopped["error"], stopped["cause"]) == (
        "ABORTED",
        "Airflow",
        "task was cleared",
    )
    assert stopped["stopDate"]


def test_a_timed_out_execution_has_ended(standin: StandIn) -> None:
    done = run(standin, {"TimeoutSeconds": 1, **one_state(Type="Wait", Seconds=60)})
    assert done["status"] == "TIMED_OUT"
    assert done["stopDate"]


def test_history_pages_in_both_orders_and_without_data(standin: StandIn) -> None:
    sfn = standin.client("stepfunctions")
    arn = run(standin, one_state(Type="Pass", Result={"secret": 1}))["executionArn"]
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 2}
    )
    events = [event for page in pages for event in page["events"]]
    assert [e["id"] for e in events] == sorted(e["id"] for e in events)
    assert (events[0]["type"], events[-1]["type"]) == ("ExecutionStarted", "ExecutionSucceeded")
    newest = sfn.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"]
    assert [e["type"] for e in newest] == ["ExecutionSucceeded"]
    bare = sfn.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert "secret" in str(events)
    assert "secret" not in str(bare)


def test_driving_an_execution(standin: StandIn) -> None:
    sfn = standin.client("stepfunctions")
    running = run(standin, one_state(Type="Wait", Seconds=60), wait=False)
    standin.drive("sfn_execution", running["executionArn"], "FAILED", error="E", message="because")
    driven = sfn.describe_execution(executionArn=running["executionArn"])
    assert (driven["status"], driven["error"], driven["cause"]) == ("FAILED", "E", "because")
    listed = sfn.list_executions(stateMachineArn=driven["stateMachineArn"], statusFilter="FAILED")[
        "executions"
    ]
    assert [e["executionArn"] for e in listed] == [running["executionArn"]]
