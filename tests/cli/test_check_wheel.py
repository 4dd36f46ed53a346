"""`mwaalib check` on plugins.zip and requirements.txt that the environment cannot use."""

from __future__ import annotations

import io
import platform
import zipfile

import pytest
from cli.deployment import MWAA, REQUIREMENTS, WHEEL, broken

CONTENT = "requirements.txt, content"
OFFICIAL = "https://raw.githubusercontent.com/apache/airflow/constraints-3.3.1/constraints-3.12.txt"
IN_ZIP = "/usr/local/airflow/plugins/mwaalib-constraints.txt"


def repack(deployment, name=WHEEL, module=b"\x7fELF", cut=0, more=()):
    """Upload another plugins.zip, the local one with it."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("mwaalib/__init__.py", "")
        archive.writestr("mwaalib/_core.abi3.so", module)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr(name, inner.getvalue())
        for other in more:
            archive.writestr(other, "")
    data = outer.getvalue()[: -cut or None]
    deployment.client("s3").put_object(Bucket=MWAA, Key="plugins.zip", Body=data)
    (deployment.project / "dist" / "plugins.zip").write_bytes(data)
    deployment.use_newest()


def ask(deployment, text):
    """Upload another requirements.txt, the local one with it."""
    deployment.client("s3").put_object(Bucket=MWAA, Key="requirements.txt", Body=text.encode())
    (deployment.project / "dist" / "requirements.txt").write_text(text)
    deployment.use_newest()


@pytest.fixture
def mended(deployment):
    """Put the right files back after the test."""
    yield
    (deployment.project / "dist" / "plugins.zip").write_bytes(deployment.plugins)
    (deployment.project / "dist" / "requirements.txt").write_text(REQUIREMENTS)
    deployment.upload()
    deployment.use_newest()


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize(
    ("how", "subject", "said"),
    [
        ({"module": b"no library" * 100}, "wheel loads in Python 3.12", "invalid ELF header"),
        ({"cut": 30}, "wheel in plugins.zip", "no readable zip file"),
        ({"name": f"wheels/{WHEEL}"}, "wheel in plugins.zip", "0 wheels"),
        ({"name": WHEEL.replace("x86_64", "aarch64")}, "wheel in plugins.zip", "for manylinux_2_28_aarch64"),
        ({"name": WHEEL.replace("cp310-abi3", "cp313-cp313")}, "wheel in plugins.zip", "runs Python 3.12"),
        ({"name": WHEEL.replace("0.1.0", "9.9.9")}, "requirements.txt, content", "plugins/mwaalib-9.9.9-"),
    ],
)
def test_wheel_that_the_environment_cannot_use(deployment, check, how, subject, said):
    repack(deployment, **how)
    status, report = check()
    found = broken(report)
    assert set(found) == {subject}
    assert said in found[subject]["detail"]
    assert "make" in found[subject]["remedy"]
    assert status == 1


@pytest.mark.usefixtures("mended")
def test_environment_that_uses_an_older_upload(deployment, check):
    deployment.client("s3").put_object(Bucket=MWAA, Key="requirements.txt", Body=REQUIREMENTS.encode())
    status, report = check()
    found = broken(report)
    assert set(found) == {"MWAA environment check, requirements.txt"}
    assert "-e check" in found["MWAA environment check, requirements.txt"]["remedy"]
    assert status == 1


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("3.3.1", "2.10.3", "is for Airflow 2.10.3 on Python 3.12, not 3.3.1 on Python 3.12"),
        (
            f"/usr/local/airflow/plugins/{WHEEL}",
            "duckdb",
            "does not ask for /usr/local/airflow/plugins/mwaalib-",
        ),
        ("--constraint", "#", "no --constraint line"),
        (OFFICIAL, IN_ZIP, "constraints file mwaalib-constraints.txt is not in plugins.zip"),
    ],
)
def test_requirements_that_the_environment_cannot_use(deployment, check, old, new, said):
    ask(deployment, REQUIREMENTS.replace(old, new))
    status, report = check()
    found = broken(report)
    assert set(found) == {CONTENT}
    assert said in found[CONTENT]["detail"]
    assert "make mwaa MWAA_VERSION=3.3.1" in found[CONTENT]["remedy"]
    assert status == 1


def content(report):
    return next(f for f in report["findings"] if f["subject"] == CONTENT)


@pytest.mark.usefixtures("mended")
def test_constraints_in_the_zip_are_compared_by_the_first_line(deployment, check):
    repack(deployment, more=["mwaalib-constraints.txt"])
    offline = REQUIREMENTS.replace(OFFICIAL, IN_ZIP)
    ask(deployment, offline)
    assert content(check()[1])["status"] == "ok"
    ask(deployment, offline.replace("Airflow 3.3.1", "Airflow 3.2.1"))
    assert "is for Airflow 3.2.1" in content(check()[1])["detail"]
    ask(deployment, offline.partition("\n")[2])
    assert content(check()[1])["status"] == "unknown"


@pytest.mark.usefixtures("mended")
def test_the_wheel_may_be_asked_for_by_its_name(deployment, check):
    ask(deployment, REQUIREMENTS.replace(f"/usr/local/airflow/plugins/{WHEEL}", "mwaalib==0.1.0"))
    assert check()[0] == 0
    ask(deployment, "mwaalib==0.1.0\n")
    assert "--find-links" in content(check()[1])["detail"]


@pytest.mark.usefixtures("mended")
def test_files_that_the_environment_reads_elsewhere(deployment, check):
    s3, mwaa = deployment.client("s3"), deployment.client("mwaa")
    try:
        for data, said in ((b"PK no zip", "plugins.zip"), (deployment.plugins, None)):
            version = s3.put_object(Bucket=MWAA, Key="my/plugins.zip", Body=data)["VersionId"]
            mwaa.update_environment(
                Name="check", PluginsS3Path="my/plugins.zip", PluginsS3ObjectVersion=version
            )
            deployment._settle()
            status, report = check()
            found = broken(report)
            assert set(found) == ({said, "wheel in plugins.zip"} if said else set())
            assert status == bool(said)
            if said:
                assert "s3://check-mwaa/my/plugins.zip differs" in found[said]["detail"]
                assert "-e check" in found[said]["remedy"]
    finally:
        version = s3.head_object(Bucket=MWAA, Key="plugins.zip")["VersionId"]
        mwaa.update_environment(Name="check", PluginsS3Path="plugins.zip", PluginsS3ObjectVersion=version)
        deployment._settle()


def test_another_machine_cannot_try_the_wheel(check, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    status, report = check()
    told = [f for f in report["findings"] if f["status"] == "unknown"]
    assert [f["subject"] for f in told] == ["wheel loads in Python 3.12"]
    assert "linux on aarch64" in told[0]["detail"]
    assert status == 0
