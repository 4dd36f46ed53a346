"""What a connection says that has no effect is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection
from mwaalib.connection.settings import from_connection
from mwaalib.exceptions import ConnectionSettingsError

WEB = {
    "role_arn": "arn:r",
    "assume_role_method": "assume_role_with_web_identity",
    "assume_role_with_web_identity_token_file": "/t",
}


def resolve(extra: dict[str, Any]) -> dict[str, Any]:
    conn = Connection(conn_id="team", conn_type="aws", extra=json.dumps(extra))
    return json.loads(from_connection(conn, service="emr"))


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"service_config": {"emr": {"endpoint_ulr": "http://x"}}}, "service_config.emr.endpoint_ulr"),
        ({"session_kwargs": {"regoin_name": "y"}}, "did you mean 'region_name'"),
        (
            {"role_arn": "arn:r", "assume_role_with_web_identity_token_file": "/t"},
            "extra.assume_role_with_web_identity_token_file has no effect",
        ),
        ({**WEB, "external_id": "x"}, "extra.external_id has no effect"),
        (
            {**WEB, "assume_role_kwargs": {"Tags": [{"Key": "a", "Value": "b"}]}},
            "assume_role_kwargs.Tags has no",
        ),
    ],
)
def test_warnings(extra: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture) -> None:
    resolve(extra)
    assert told in caplog.text


def test_what_is_right_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    resolve({"service_config": {"s3": {"bucket_name": "b"}, "athena": {"anything": 1}}, **WEB})
    assert not caplog.records


def test_policy_without_arn() -> None:
    with pytest.raises(ConnectionSettingsError, match="PolicyArns: expected"):
        resolve({"role_arn": "arn:r", "assume_role_kwargs": {"PolicyArns": [{"Arn": "x"}]}})


def test_region_of_sts() -> None:
    extra = {
        "role_arn": "arn:r",
        "region_name": "eu-west-1",
        "service_config": {"sts": {"region_name": "us-west-2"}},
    }
    found = resolve(extra)
    assert (found["region"], found["assume_role"]["region"]) == ("eu-west-1", "us-west-2")
