"""Requests and replies through the native session."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from mwaalib import _core
from mwaalib.exceptions import (
    AwsAccessDeniedError,
    AwsError,
    AwsNotFoundError,
    AwsThrottlingError,
    MwaalibError,
    RequestValidationError,
)
from support.stub import Stub, error

Make = Callable[..., _core.Session]


def call(session: _core.Session, service: str, operation: str, **body: object) -> dict:
    return json.loads(session.call(service, operation, json.dumps(body)))


def test_body_and_reply_pass_unchanged(stub: Stub, session: Make) -> None:
    # LogEncryptionKmsKeyId is in the shape table; NewInReply is in nobody's.
    reply = {"JobFlowId": "j-1", "NewInReply": {"Deep": [1, None, "ü"]}}
    stub.answer = lambda operation, body: reply
    body = {"Name": "ü", "Instances": {"InstanceCount": 1}, "LogEncryptionKmsKeyId": "key"}
    made = session(user_agent_extra="Airflow/3.0.6 mine/1")
    assert call(made, "emr", "RunJobFlow", **body) == reply
    (sent,) = stub.calls
    assert (sent.operation, sent.body) == ("RunJobFlow", body)
    assert "/eu-west-1/elasticmapreduce/aws4_request" in sent.headers["authorization"]
    assert sent.headers["user-agent"].startswith("aws-sdk-rust/")
    assert sent.headers["user-agent"].endswith("Airflow/3.0.6 mine/1")


@pytest.mark.parametrize(
    ("service", "operation", "body", "target"),
    [
        ("stepfunctions", "StartExecution", {"stateMachineArn": "a"}, "AWSStepFunctions.StartExecution"),
        ("glue", "StartJobRun", {"JobName": "j", "Arguments": {"--a": "b"}}, "AWSGlue.StartJobRun"),
        ("ssm", "GetParameter", {"Name": "/a"}, "AmazonSSM.GetParameter"),
        ("logs", "GetLogEvents", {"logStreamName": "s"}, "Logs_20140328.GetLogEvents"),
    ],
)
def test_each_service_gets_its_target(
    stub: Stub, session: Make, service: str, operation: str, body: dict[str, object], target: str
) -> None:
    call(session(), service, operation, **body)
    (sent,) = stub.calls
    assert (sent.headers["x-amz-target"], sent.body) == (target, body)


def test_reply_without_body_is_an_empty_object(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: (200, "")
    assert call(session(), "emr", "TerminateJobFlows", JobFlowIds=["j-1"]) == {}


def test_times_may_be_text(stub: Stub, session: Make) -> None:
    call(session(), "emr", "ListClusters", CreatedAfter="2026-01-31T00:00:00Z")
    assert stub.calls[0].body == {"CreatedAfter": 1769817600}


def test_typo_is_refused_before_it_is_sent(stub: Stub, session: Make) -> None:
    with pytest.raises(RequestValidationError) as caught:
        call(session(), "emr", "RunJobFlow", Name="x", Instances={"InstanceGroup": []})
    assert str(caught.value) == (
        "RunJobFlow.Instances: unknown parameter 'InstanceGroup', did you mean 'InstanceGroups'?"
        " (to send what is newer than mwaalib: [mwaalib] unknown_parameters = warn)"
    )
    assert caught.value.operation == "RunJobFlow"
    assert not stub.calls


@pytest.mark.parametrize("body", ["[]", "{", "", "null"])
def test_body_that_is_no_object_is_refused(session: Make, body: str) -> None:
    with pytest.raises(RequestValidationError):
        session().call("emr", "ListClusters", body)


def test_validate_sends_nothing(stub: Stub) -> None:
    _core.validate(
        "glue", "CreateJob", json.dumps({"Name": "j", "Role": "r", "Command": {"Name": "glueetl"}})
    )
    with pytest.raises(RequestValidationError, match=r"CreateJob: missing required parameter 'Role'"):
        _core.validate("glue", "CreateJob", json.dumps({"Name": "j", "Command": {}}))
    assert not stub.calls


@pytest.mark.parametrize(
    ("code", "message", "status", "kind"),
    [
        ("AccessDeniedException", "not you", 400, AwsAccessDeniedError),
        ("ThrottlingException", "Rate exceeded", 400, AwsThrottlingError),
        ("EntityNotFoundException", "no job", 400, AwsNotFoundError),
        ("InvalidRequestException", "Cluster id 'j-1' is not valid.", 400, AwsNotFoundError),
        ("ValidationException", "bad", 400, AwsError),
        ("InternalFailure", "oops", 500, AwsError),
    ],
)
def test_errors_carry_what_aws_said(
    stub: Stub, session: Make, code: str, message: str, status: int, kind: type[AwsError]
) -> None:
    stub.answer = lambda operation, body: error(code, message, status)
    with pytest.raises(kind) as caught:
        call(session(), "emr", "DescribeCluster", ClusterId="j-1")
    raised = caught.value
    assert (raised.service, raised.operation, raised.code) == ("emr", "DescribeCluster", code)
    assert (raised.request_id, raised.status) == ("request-1", status)
    assert message in str(raised)
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again).__name__, str(again)) == (type(raised).__name__, str(raised))


def test_transient_errors_are_retried_as_set(stub: Stub, session: Make) -> None:
    replies = iter([error("ServiceUnavailable", status=503), (200, None), {"Clusters": []}])
    stub.answer = lambda operation, body: next(replies)
    assert call(session(max_attempts=3), "emr", "ListClusters") == {"Clusters": []}
    assert len(stub.calls) == 3


def test_unreachable_endpoint_is_an_aws_error(session: Make) -> None:
    with pytest.raises(AwsError) as caught:
        call(session(endpoint_url="http://127.0.0.1:1"), "emr", "ListClusters")
    assert (caught.value.code, caught.value.class_) == ("ConnectionError", "Transient")


def test_read_timeout(stub: Stub, session: Make) -> None:
    import time

    stub.answer = lambda operation, body: time.sleep(3) or {}
    with pytest.raises(AwsError) as caught:
        call(session(read_timeout=0.2), "emr", "ListClusters")
    assert caught.value.code == "Timeout"


def test_connections_are_kept_and_shared(stub: Stub, session: Make) -> None:
    made = session()
    for _ in range(5):
        call(made, "emr", "ListClusters")
        call(made, "glue", "GetCrawlers")
    assert len(stub.calls) == 10
    assert stub.connections <= 3, "a connection is free again a moment after its reply"


def test_asyncio(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: {"Echo": body["Name"]}

    async def main() -> list[str]:
        made = session()
        names = [f"/{n}" for n in range(20)]
        return await asyncio.gather(
            *[made.call_async("ssm", "GetParameter", json.dumps({"Name": n})) for n in names]
        )

    assert [json.loads(reply)["Echo"] for reply in asyncio.run(main())] == [f"/{n}" for n in range(20)]


def test_asyncio_error(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: error("ParameterNotFound")

    async def main() -> None:
        await session().call_async("ssm", "GetParameter", '{"Name": "/a"}')

    with pytest.raises(AwsNotFoundError):
        asyncio.run(main())


def test_sts_and_iam_over_the_query_protocol(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: (
        f"<{operation}Response><{operation}Result><Arn>arn:aws:iam::1:user/a&amp;b</Arn></{operation}Result>"
        f"</{operation}Response>"
    )
    made = session()
    assert call(made, "sts", "GetCallerIdentity") == {"Arn": "arn:aws:iam::1:user/a&b"}
    assert call(made, "iam", "GetRole", RoleName="my role/ü") == {"Arn": "arn:aws:iam::1:user/a&b"}
    sts, iam = stub.calls
    assert sts.body == {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert "/eu-west-1/sts/aws4_request" in sts.headers["authorization"]
    assert iam.body == {"Action": "GetRole", "Version": "2010-05-08", "RoleName": "my role/ü"}
    assert "/us-east-1/iam/aws4_request" in iam.headers["authorization"], "IAM is signed for its own region"


def test_iam_error(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: (
        404,
        "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no role x</Message></Error>"
        "<RequestId>r</RequestId></ErrorResponse>",
    )
    with pytest.raises(AwsNotFoundError) as caught:
        call(session(), "iam", "GetRole", RoleName="x")
    assert (caught.value.service, caught.value.code) == ("iam", "NoSuchEntity")


def test_put_file(stub: Stub, session: Make, tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text("{}")
    session().put_file(str(script), "bucket", "a/b.py")
    assert stub.operations() == ["/bucket/a/b.py?x-id=PutObject"]
    with pytest.raises(MwaalibError, match=r"missing\.py"):
        session().put_file(str(tmp_path / "missing.py"), "bucket", "a")
