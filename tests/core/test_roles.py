"""Assumed roles: what is asked of STS, how often, and what its refusals become."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from mwaalib import _core
from mwaalib.exceptions import AwsAccessDeniedError, CredentialsError
from support.stub import Stub, role, start

Make = Callable[..., _core.Session]
ARN = "arn:aws:iam::123456789012:role/data"


@pytest.fixture(autouse=True)
def sts(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection's own address is not STS's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)


def answer(operation: str, body: dict[str, object]) -> object:
    return role(operation) if operation.startswith("AssumeRole") else {}


def test_the_role_is_assumed_with_everything_that_was_set(stub: Stub, session: Make) -> None:
    stub.answer = answer
    made = session(
        assume_role={
            "role_arn": ARN,
            "session_name": "airflow",
            "external_id": "ext",
            "duration_seconds": 900,
            "policy_arns": ["arn:p"],
            "tags": [{"Key": "team", "Value": "data"}],
            "transitive_tag_keys": ["team"],
            "source_identity": "me",
        }
    )
    made.call("emr", "ListClusters", "{}")
    assumed, listed = stub.calls
    assert assumed.body == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ARN,
        "RoleSessionName": "airflow",
        "ExternalId": "ext",
        "DurationSeconds": "900",
        "PolicyArns.member.1.arn": "arn:p",
        "Tags.member.1.Key": "team",
        "Tags.member.1.Value": "data",
        "TransitiveTagKeys.member.1": "team",
        "SourceIdentity": "me",
    }
    assert "Credential=AKIATEST/" in assumed.headers["authorization"]
    assert "Credential=ASIAROLE/" in listed.headers["authorization"]
    assert listed.headers["x-amz-security-token"] == "role-token"


def test_one_assume_role_for_all_services_threads_and_tasks(stub: Stub, session: Make) -> None:
    stub.answer = answer
    settings = {"assume_role": {"role_arn": ARN, "session_name": "many"}}

    def work() -> None:
        made = session(**settings)
        for service, operation in (("emr", "ListClusters"), ("glue", "GetCrawlers")):
            made.call(service, operation, "{}")

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def main() -> None:
        made = session(**settings)
        await asyncio.gather(
            *[made.call_async("ssm", "GetParameter", json.dumps({"Name": "/a"})) for _ in range(20)]
        )

    asyncio.run(main())
    assert stub.operations().count("AssumeRole") == 1
    assert len(stub.calls) == 41


def test_web_identity_needs_no_keys(stub: Stub, session: Make, tmp_path: Path) -> None:
    stub.answer = answer
    token = tmp_path / "token"
    token.write_text("web-token\n")
    made = session(
        access_key_id=None,
        secret_access_key=None,
        assume_role={
            "role_arn": ARN,
            "method": "assume_role_with_web_identity",
            "web_identity_token_file": str(token),
            "session_name": "web",
        },
    )
    made.call("emr", "ListClusters", "{}")
    assumed = stub.calls[0]
    assert (assumed.operation, assumed.body["WebIdentityToken"]) == ("AssumeRoleWithWebIdentity", "web-token")
    assert "authorization" not in assumed.headers
    token.unlink()
    lost = session(
        access_key_id=None,
        secret_access_key=None,
        assume_role={
            "role_arn": ARN,
            "method": "assume_role_with_web_identity",
            "web_identity_token_file": str(token),
            "session_name": "lost",
        },
    )
    with pytest.raises(CredentialsError, match="token"):
        lost.call("emr", "ListClusters", "{}")


def test_refusal_of_the_role_is_told_as_such(stub: Stub, session: Make) -> None:
    stub.answer = lambda operation, body: (
        403,
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
        "<Message>not authorized to perform: sts:AssumeRole</Message></Error><RequestId>r</RequestId></ErrorResponse>",
    )
    made = session(assume_role={"role_arn": ARN, "session_name": "refused", "external_id": "ext-secret"})
    with pytest.raises(AwsAccessDeniedError, match="not authorized to perform: sts:AssumeRole") as caught:
        made.call("emr", "ListClusters", "{}")
    assert (caught.value.service, caught.value.operation) == ("sts", "AssumeRole")
    assert "ext-secret" not in str(caught.value)


def test_the_role_is_not_asked_of_the_connections_endpoint(
    stub: Stub, session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a VPC endpoint of EMR, as like as not."""
    emr, server = start()
    stub.answer = answer
    session(endpoint_url=emr.url, assume_role={"role_arn": ARN}).call("emr", "ListClusters", "{}")
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
    session(endpoint_url=emr.url, assume_role={"role_arn": ARN}).call("emr", "ListClusters", "{}")
    server.shutdown()
    server.server_close()
    assert emr.operations() == ["ListClusters"] * 2
    assert stub.operations() == ["AssumeRole"] * 2


def test_sts_has_its_own_endpoint_and_region(
    stub: Stub, session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    stub.answer = answer
    made = session(
        service_endpoints={"sts": stub.url},
        assume_role={"role_arn": ARN, "session_name": "there", "region": "us-west-2"},
    )
    made.call("emr", "ListClusters", "{}")
    assert "/us-west-2/sts/" in stub.calls[0].headers["authorization"]
    assert "/eu-west-1/elasticmapreduce/" in stub.calls[1].headers["authorization"]
