"""Connection settings: what is wrong is named, what is secret is not shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mwaalib import _core
from mwaalib.exceptions import ConnectionSettingsError, CredentialsError
from support.stub import Stub

Make = Callable[..., _core.Session]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"regoin": "x"}, "regoin"),
        ({"access_key_id": "a"}, "secret_access_key"),
        ({"session_token": "t"}, "session_token"),
        ({"endpoint_url": "localhost:5000"}, "endpoint_url"),
        ({"endpoint_url": "http://"}, "endpoint_url"),
        ({"unknown_parameters": "ignore"}, "ignore"),
        ({"service_endpoints": {"emrr": "http://x"}}, "emrr"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"read_timeout": "soon"}, "invalid type"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"retry_mode": "often"}, "often"),
        ({"verify": 3}, "verify"),
        ({"proxies": {"ftp": "http://p"}}, "ftp"),
        ({"assume_role": {"role_arn": ""}}, "role_arn"),
        ({"assume_role": {"role_arn": "a", "method": "assume_role_with_saml"}}, "assume_role_with_saml"),
        (
            {"assume_role": {"role_arn": "a", "method": "assume_role_with_web_identity"}},
            "web_identity_token_file",
        ),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=named):
        _core.Session(json.dumps(settings))


def test_settings_that_are_not_json() -> None:
    with pytest.raises(ConnectionSettingsError, match="connection settings"):
        _core.Session("{")


@pytest.mark.parametrize(
    "content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_bad_ca_file_is_an_error_not_a_panic(session: Make, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConnectionSettingsError, match=r"ca\.pem"):
        session(verify=str(path)).call("emr", "ListClusters", "{}")


def test_secrets_do_not_show(session: Make) -> None:
    role = {"role_arn": "arn:aws:iam::1:role/r", "external_id": "ext-secret"}
    made = session(secret_access_key="very-secret", session_token="token-secret", assume_role=role)
    text = repr(made) + str(made)
    assert "role/r" in text
    for secret in ("very-secret", "token-secret", "ext-secret", "AKIATEST"):
        assert secret not in text


def test_region_comes_from_settings_then_environment_then_profile(
    session: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert session().region == "eu-west-1"
    config = tmp_path / "config"
    config.write_text("[profile there]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert (
        session(region=None, profile="there", access_key_id=None, secret_access_key=None).region
        == "ap-south-1"
    )
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    assert session(region=None).region == "us-west-1"
    # botocore reads this one alone.
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    assert session(region=None).region == "sa-east-1"


def test_no_region_is_told_at_once(session: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    made = session(region=None)
    wait = {
        "kind": "sfn_execution",
        "ids": ["arn:aws:states:eu-west-1:123456789012:execution:m:n"],
        "delay": 1,
    }
    for use in (lambda: made.call("emr", "ListClusters", "{}"), lambda: made.wait(json.dumps(wait))):
        with pytest.raises(ConnectionSettingsError, match="no region: set region_name"):
            use()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EMR"])
def test_an_address_in_the_environment_that_is_none(
    session: Make, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "vpce.example.com")
    with pytest.raises(ConnectionSettingsError, match=f"{variable}.*vpce.example.com"):
        session(endpoint_url=None).call("emr", "ListClusters", "{}")


def test_profile_gives_the_credentials(
    stub: Stub, session: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[there]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    made = session(access_key_id=None, secret_access_key=None, profile="there")
    made.call("emr", "ListClusters", "{}")
    assert "Credential=AKIAPROFILE/" in stub.calls[0].headers["authorization"]


def test_unknown_profile_is_a_credentials_error(session: Make) -> None:
    made = session(access_key_id=None, secret_access_key=None, profile="nobody")
    with pytest.raises(CredentialsError, match="nobody"):
        made.call("emr", "ListClusters", "{}")


def test_no_credentials_at_all(session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CredentialsError):
        session(access_key_id=None, secret_access_key=None).call("emr", "ListClusters", "{}")


def test_endpoints(stub: Stub, session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "http://127.0.0.1:1"
    session(endpoint_url=nowhere, service_endpoints={"emr": stub.url}).call("emr", "ListClusters", "{}")
    session(endpoint_url=nowhere, service_endpoints={"stepfunctions": stub.url}).call(
        "sfn", "ListExecutions", '{"stateMachineArn": "a"}'
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", nowhere)
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", stub.url)
    session(endpoint_url=None).call("glue", "GetCrawlers", "{}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
    session(endpoint_url=None).call("ssm", "GetParameter", '{"Name": "/a"}')
    session(endpoint_url=None).call("logs", "GetLogEvents", '{"logStreamName": "s"}')
    assert stub.operations() == [
        "ListClusters",
        "ListExecutions",
        "GetCrawlers",
        "GetParameter",
        "GetLogEvents",
    ]


def test_proxy_is_used(stub: Stub, session: Make) -> None:
    session(endpoint_url="http://emr.example.test", proxies={"http": stub.url}).call(
        "emr", "ListClusters", "{}"
    )
    assert stub.calls[0].headers["host"] == "emr.example.test"
