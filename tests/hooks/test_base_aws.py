"""What every hook can do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mwaalib.exceptions import AwsNotFoundError, ConnectionNotFoundError, RequestValidationError
from mwaalib.hooks.base_aws import AwsBaseHook
from mwaalib.hooks.ssm import SsmHook
from support.work import cluster

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:none"


def test_building_a_hook_asks_nobody() -> None:
    AwsBaseHook(aws_conn_id="no_such_connection", client_type="emr")


def test_named_connection_that_is_missing(aws: Any) -> None:
    with pytest.raises(ConnectionNotFoundError, match="'no_such_connection' does not exist"):
        AwsBaseHook(aws_conn_id="no_such_connection", client_type="emr").conn.list_clusters()


def test_connection_leads_to_its_endpoint_and_region(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    connection = {
        "conn_type": "aws", "login": "AKIAX", "password": "sesame-open",
        "extra": {"endpoint_url": aws.endpoint, "region_name": "eu-west-1"},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", json.dumps(connection))
    hook = AwsBaseHook(aws_conn_id="team", client_type="stepfunctions")
    with pytest.raises(AwsNotFoundError):
        hook.conn.describe_execution(executionArn=ARN.replace("us-east-1", "eu-west-1"))
    assert (hook.conn_region_name, hook.conn_partition) == ("eu-west-1", "aws")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_partition(aws: Any, region: str, partition: str) -> None:
    assert AwsBaseHook(region_name=region, client_type="emr").conn_partition == partition


def test_account_and_connection_test(aws: Any) -> None:
    hook = AwsBaseHook(client_type="emr")
    assert hook.account_id == "123456789012"
    good, message = hook.test_connection()
    assert good
    assert "123456789012" in message


def test_connection_test_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    config = {"retries": {"max_attempts": 0}}
    good, message = AwsBaseHook(client_type="emr", region_name="us-east-1", config=config).test_connection()
    assert not good
    assert "127.0.0.1" in message or "connect" in message.lower()


def test_role_by_name(aws: Any) -> None:
    arn = aws.client("iam").create_role(RoleName="r", Path="/etl/", AssumeRolePolicyDocument="{}")["Role"][
        "Arn"
    ]
    hook = AwsBaseHook(client_type="emr")
    assert hook.expand_role("r") == arn
    assert hook.expand_role(arn) == arn


def test_misspelt_request_is_not_sent(aws: Any) -> None:
    with pytest.raises(RequestValidationError, match="Nmae"):
        AwsBaseHook(client_type="glue").conn.get_job(Nmae="x")


def test_error_by_code(aws: Any) -> None:
    conn = AwsBaseHook(client_type="glue").conn
    with pytest.raises(conn.exceptions.EntityNotFoundException) as error:
        conn.get_job(JobName="none")
    assert isinstance(error.value, AwsNotFoundError)
    assert error.value.response["Error"]["Code"] == "EntityNotFoundException"


@pytest.mark.parametrize(
    "kwargs", [{"client_type": "dynamodb"}, {"client_type": "s3"}, {"resource_type": "s3"}]
)
def test_what_there_is_no_client_for(kwargs: Any) -> None:
    with pytest.raises(ValueError, match="mwaalib has no"):
        AwsBaseHook(**kwargs)


def test_paginator_walks_all_pages(aws: Any) -> None:
    ssm = aws.client("ssm")
    for number in range(23):
        ssm.put_parameter(Name=f"/p/{number:02}", Value=str(number), Type="String")
    pages = list(SsmHook().conn.get_paginator("get_parameters_by_path").paginate(Path="/p", MaxResults=10))
    assert [len(page["Parameters"]) for page in pages] == [10, 10, 3]
    assert pages[0]["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_waiters_of_boto3_are_refused() -> None:
    from mwaalib.hooks._client import Client

    with pytest.raises(AttributeError, match="wait"):
        Client(None, "emr").get_waiter("cluster_running")


def test_times_are_datetimes_as_of_boto3(aws: Any) -> None:
    job_flow_id = cluster(aws)
    theirs = aws.client("emr").describe_cluster(ClusterId=job_flow_id)["Cluster"]["Status"]["Timeline"]
    ours = AwsBaseHook(client_type="emr").conn.describe_cluster(ClusterId=job_flow_id)["Cluster"]["Status"][
        "Timeline"
    ]
    assert abs((ours["CreationDateTime"] - theirs["CreationDateTime"]).total_seconds()) < 1
