"""Airflow's `aws` connection -> settings of a session."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from airflow.sdk import Connection
from mwaalib import connection
from mwaalib.connection.settings import from_connection
from mwaalib.exceptions import ConnectionNotFoundError, ConnectionSettingsError

KEYS = {"login": "AKIAEXAMPLE", "password": "secret-of-the-test"}


def resolve(extra: Any = None, *, conn: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
    text = extra if isinstance(extra, str) or extra is None else json.dumps(extra)
    found = Connection(conn_id="team", conn_type="aws", extra=text, **(conn or {}))
    settings = json.loads(from_connection(found, **kwargs))
    assert settings.pop("user_agent_extra").startswith("Airflow/")
    return settings


def test_keys_and_region() -> None:
    assert resolve({"region_name": "eu-west-1"}, conn=KEYS) == {
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "secret-of-the-test",
        "region": "eu-west-1",
    }


@pytest.mark.parametrize("where", ["extra", "session_kwargs"])
def test_keys_in_extra_with_token(where: str) -> None:
    keys = {"aws_access_key_id": "A", "aws_secret_access_key": "BBBBB", "aws_session_token": "TTTTT"}
    found = resolve(keys if where == "extra" else {"session_kwargs": keys})
    assert found == {"access_key_id": "A", "secret_access_key": "BBBBB", "session_token": "TTTTT"}


def test_parameters_of_the_hook_win() -> None:
    extra = {
        "region_name": "eu-west-1",
        "verify": False,
        "config_kwargs": {"read_timeout": 5, "retries": {"total_max_attempts": 9}},
    }
    found = resolve(extra, region_name="us-west-2", verify="/ca.pem", config={"connect_timeout": 2})
    assert found == {"region": "us-west-2", "verify": "/ca.pem", "connect_timeout": 2.0}


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, True), ("false", False), ("True", True), ("/ca.pem", "/ca.pem"), (None, None)],
)
def test_verify(given: Any, expected: Any) -> None:
    assert resolve({"verify": given}).get("verify") == expected


def test_role() -> None:
    found = resolve(
        {
            "role_arn": "arn:aws:iam::123456789012:role/etl",
            "assume_role_kwargs": {
                "ExternalId": "x",
                "DurationSeconds": 900,
                "PolicyArns": [{"arn": "arn:p"}],
                "Tags": [{"Key": "k", "Value": "v"}],
            },
        }
    )
    assert found["assume_role"] == {
        "role_arn": "arn:aws:iam::123456789012:role/etl",
        "method": "assume_role",
        "external_id": "x",
        "duration_seconds": 900,
        "policy_arns": ["arn:p"],
        "tags": [{"Key": "k", "Value": "v"}],
        "session_name": "Airflow_team",
    }


def test_role_with_web_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"role_arn": "arn:r", "assume_role_method": "assume_role_with_web_identity"}
    with pytest.raises(ConnectionSettingsError, match="token_file"):
        resolve(extra)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    assert resolve(extra)["assume_role"]["web_identity_token_file"] == "/token"


def test_external_id_at_the_top() -> None:
    found = resolve({"role_arn": "arn:r", "external_id": "x"})
    assert found["assume_role"]["external_id"] == "x"


def test_endpoints_and_region_by_service() -> None:
    extra = {
        "endpoint_url": "http://all",
        "region_name": "eu-west-1",
        "service_config": {
            "stepfunctions": {"endpoint_url": "http://sfn", "region_name": "us-east-2"},
            "dynamodb": {"endpoint_url": "http://elsewhere"},
        },
    }
    found = resolve(extra, service="stepfunctions")
    assert found == {
        "endpoint_url": "http://all",
        "service_endpoints": {"sfn": "http://sfn"},
        "region": "us-east-2",
    }
    assert resolve(extra, service="emr")["region"] == "eu-west-1"


def test_options_of_botocore() -> None:
    options = {
        "retries": {"max_attempts": 3, "mode": "adaptive"},
        "connect_timeout": 3,
        "read_timeout": "7.5",
        "proxies": {"https": "http://proxy:3128"},
    }
    expected = {
        "max_attempts": 4,
        "retry_mode": "adaptive",
        "connect_timeout": 3.0,
        "read_timeout": 7.5,
        "proxies": {"https": "http://proxy:3128"},
    }
    assert resolve({"config_kwargs": options}) == expected
    assert resolve(config=options) == expected


def test_config_object_of_botocore() -> None:
    from botocore.config import Config

    assert resolve(config=Config(read_timeout=9, retries={"total_max_attempts": 2})) == {
        "read_timeout": 9.0,
        "max_attempts": 2,
    }


def test_no_retry_at_all() -> None:
    assert resolve({"config_kwargs": {"retries": {"max_attempts": 0}}})["max_attempts"] == 1


def test_user_agent() -> None:
    found = Connection(
        conn_id="t", conn_type="aws", extra=json.dumps({"config_kwargs": {"user_agent_extra": "mine"}})
    )
    assert json.loads(from_connection(found))["user_agent_extra"].endswith(" mine")


def test_written_as_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_BY_URI",
        "aws://AKIA:s%2Fecret@/?region_name=eu-west-1&config_kwargs=%7B%22read_timeout%22%3A+4%7D&verify=false",
    )
    found = json.loads(connection.resolve("by_uri"))
    found.pop("user_agent_extra")
    assert found == {
        "access_key_id": "AKIA",
        "secret_access_key": "s/ecret",
        "region": "eu-west-1",
        "read_timeout": 4.0,
        "verify": False,
    }


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("{", "extra: not valid JSON"),
        ("[1]", "extra: expected a JSON object, got list"),
        ({"region_name": 5}, "extra.region_name: expected text, got int"),
        ({"config_kwargs": []}, "extra.config_kwargs: expected a JSON object, got list"),
        ({"config_kwargs": {"read_timeout": "soon"}}, "extra.config_kwargs.read_timeout: expected a number"),
        ({"config_kwargs": {"connect_timeout": -1}}, "connect_timeout: expected a number above 0"),
        (
            {"config_kwargs": {"retries": {"mode": "often"}}},
            "retries.mode: expected legacy, standard or adaptive",
        ),
        ({"config_kwargs": {"use_fips_endpoint": True}}, "use_fips_endpoint: not supported"),
        ({"config_kwargs": {"signature_version": "unsigned"}}, "signature_version: not supported"),
        (
            {"role_arn": "r", "assume_role_method": "assume_role_with_saml"},
            "assume_role_method: 'assume_role_with",
        ),
        ({"role_arn": "r", "assume_role_kwargs": {"ExternalID": "x"}}, "ExternalID: unknown parameter"),
        ({"aws_access_key_id": "A"}, "belong together"),
        ({"aws_session_token": "TTTTT"}, "needs the access key"),
        ({"verify": 1}, "verify: expected true, false or the path"),
        ({"service_config": {"emr": "x"}}, "extra.service_config.emr: expected a JSON object"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(extra: Any, message: str) -> None:
    with pytest.raises(ConnectionSettingsError) as error:
        resolve(extra)
    assert "connection 'team'" in str(error.value)
    assert message in str(error.value)


def test_errors_never_show_secrets() -> None:
    with pytest.raises(ConnectionSettingsError) as error:
        resolve({"config_kwargs": {"read_timeout": "x"}}, conn=KEYS)
    assert "secret-of-the-test" not in str(error.value)


@pytest.mark.parametrize(
    ("extra", "path", "hint"),
    [
        ({"regoin_name": "x"}, "extra.regoin_name", "did you mean 'region_name'?"),
        ({"config_kwargs": {"max_pool_connections": 5}}, "extra.config_kwargs.max_pool_connections", ""),
        (
            {"config_kwargs": {"retries": {"max_attempt": 5}}},
            "retries.max_attempt",
            "did you mean 'max_attempts'?",
        ),
        ({"service_config": {"stepfunction": {}}}, "extra.service_config.stepfunction", "did you mean"),
        ({"assume_role_kwargs": {"ExternalId": "x"}}, "extra.assume_role_kwargs", "without role_arn"),
    ],
)
def test_what_is_not_understood_is_named(
    extra: Any, path: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        resolve(extra)
    assert any(path in record.getMessage() and hint in record.getMessage() for record in caplog.records)


def test_no_connection_means_the_default_chain() -> None:
    for conn_id in (None, ""):
        assert set(json.loads(connection.resolve(conn_id))) == {"user_agent_extra"}


def test_default_connection_may_be_missing() -> None:
    assert connection.fetch("aws_default") is None


def test_named_connection_may_not_be_missing() -> None:
    from airflow.exceptions import AirflowNotFoundException

    with pytest.raises(ConnectionNotFoundError, match="'payroll' does not exist") as error:
        connection.resolve("payroll")
    assert isinstance(error.value, AirflowNotFoundException)
