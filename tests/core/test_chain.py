"""The default chain: where credentials come from when nobody gives any."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mwaalib import _core
from mwaalib.exceptions import CredentialsError
from support.stub import Stub, role

Make = Callable[..., _core.Session]


class Metadata(BaseHTTPRequestHandler):
    """The metadata service of an instance, and of a container."""

    seen: list[str]

    def _reply(self, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self) -> None:
        self.seen.append(f"PUT {self.path}")
        self._reply("token")

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.path.endswith("/security-credentials/"):
            return self._reply("role")
        name = "AKIACONTAINER" if self.path == "/creds" else "AKIAINSTANCE"
        self._reply(
            json.dumps(
                {
                    "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2024-01-01T00:00:00Z", "AccessKeyId": name,
                    "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z",
                }
            )
        )  # fmt: skip
        return None

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Metadata,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.seen
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def signer(stub: Stub, session: Make) -> Callable[..., str]:
    """Make a call and return the access key that signed it."""

    def call(**settings: Any) -> str:
        session(access_key_id=None, secret_access_key=None, **settings).call("emr", "ListClusters", "{}")
        return stub.calls[-1].headers["authorization"].split("Credential=")[1].split("/")[0]

    return call


def test_instance_metadata(
    signer: Callable[..., str], metadata: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = metadata
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    with pytest.raises(CredentialsError):
        signer()
    assert seen == []
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    assert signer() == "AKIAINSTANCE"
    assert seen[0] == "PUT /latest/api/token"


def test_container(
    signer: Callable[..., str], metadata: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = metadata
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/creds")
    assert signer() == "AKIACONTAINER"
    assert seen == ["/creds"]


def test_web_identity(
    signer: Callable[..., str], stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("web-token")
    stub.answer = lambda operation, body: role(operation) if operation.startswith("AssumeRole") else {}
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
    assert signer() == "ASIAROLE"
    assert stub.operations() == ["AssumeRoleWithWebIdentity", "ListClusters"]


def test_environment_comes_first(
    signer: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    process(tmp_path, "exit 1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert signer() == "AKIAENV"


def process(path: Path, script: str, profile: str = "default") -> None:
    command = path / "command"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    title = profile if profile == "default" else f"profile {profile}"
    (path / "config").write_text(f"[{title}]\ncredential_process = {command} --user me\n")


KEYS = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "s"}


@pytest.mark.parametrize("profile", [None, "corp"])
@pytest.mark.parametrize("more", [{}, {"SessionToken": "t", "Expiration": "2099-01-01T00:00:00+00:00"}])
def test_credential_process(
    signer: Callable[..., str], tmp_path: Path, profile: str | None, more: dict[str, str]
) -> None:
    process(tmp_path, f"echo $@ >> {tmp_path}/ran; echo '{json.dumps(KEYS | more)}'", profile or "default")
    assert signer(profile=profile) == "AKIAPROCESS"
    assert (tmp_path / "ran").read_text() == "--user me\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo not logged in >&2; exit 3", "corp.*exit status: 3: not logged in"),
        ("echo no", "output is not as it should be"),
        (f"echo '{json.dumps(KEYS | {'Version': 2})}'", "version 2"),
        (f"echo '{json.dumps(KEYS | {'Expiration': 'soon'})}'", "Expiration.*soon"),
    ],
)
def test_credential_process_that_fails(
    signer: Callable[..., str], tmp_path: Path, script: str, told: str
) -> None:
    process(tmp_path, script, "corp")
    with pytest.raises(CredentialsError, match=told) as caught:
        signer(profile="corp")
    assert "AKIAPROCESS" not in str(caught.value)


def test_role_of_a_profile_over_a_credential_process(signer: Callable[..., str], tmp_path: Path) -> None:
    process(tmp_path, "exit 1", "corp")
    with (tmp_path / "config").open("a") as config:
        config.write("[profile etl]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = corp\n")
    with pytest.raises(CredentialsError, match=r"profile_name=.corp. and the role as role_arn"):
        signer(profile="etl")
