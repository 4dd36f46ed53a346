"""TLS: certificates are checked, against the system's or a given CA, unless that is switched off."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mwaalib import _core
from mwaalib.exceptions import AwsError
from support import stub as stubs

Make = Callable[..., _core.Session]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    where = tmp_path_factory.mktemp("tls")
    cert, key = where / "cert.pem", where / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[stubs.Stub]:
    running, server = stubs.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    running.url = running.url.replace("http://", "https://")
    yield running
    server.shutdown()
    server.server_close()


def test_unknown_certificate_is_refused(secure: stubs.Stub, session: Make) -> None:
    with pytest.raises(AwsError, match="certificate") as caught:
        session(endpoint_url=secure.url, max_attempts=3).call("emr", "ListClusters", "{}")
    assert (caught.value.code, caught.value.class_) == ("CertificateError", "Permanent")
    assert not secure.calls


def test_a_given_ca_is_trusted(secure: stubs.Stub, session: Make, certificate: tuple[Path, Path]) -> None:
    made = session(endpoint_url=secure.url, verify=str(certificate[0]))
    assert json.loads(made.call("emr", "ListClusters", "{}")) == {}
    made.call("glue", "GetCrawlers", "{}")
    assert secure.connections <= 2


def test_a_ca_bundle_of_the_environment_is_trusted(
    secure: stubs.Stub, session: Make, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
    assert json.loads(session(endpoint_url=secure.url).call("emr", "ListClusters", "{}")) == {}


def test_the_check_can_be_switched_off(secure: stubs.Stub, session: Make) -> None:
    made = session(endpoint_url=secure.url, verify=False)
    for _ in range(3):
        assert json.loads(made.call("emr", "ListClusters", "{}")) == {}
    assert len(secure.calls) == 3
    assert secure.connections < 3, "a connection is free again a moment after its reply"


def test_time_limit_holds_without_the_check(secure: stubs.Stub, session: Make) -> None:
    import time

    secure.answer = lambda operation, body: time.sleep(3) or {}
    with pytest.raises(AwsError) as caught:
        session(endpoint_url=secure.url, verify=False, read_timeout=0.2).call("emr", "ListClusters", "{}")
    assert caught.value.code == "Timeout"
