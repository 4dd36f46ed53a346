"""`mwaalib check` on a healthy deployment, and on broken ones: it names the break and nothing else."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile

import pytest
from cli.deployment import DATA, MWAA, REQUIREMENTS, ROLE, ROOT, STACK, WHEEL
from mwaalib.cli.check import requirements
from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.environment import PYTHONS
from mwaalib.cli.main import main


def broken(report):
    """The broken findings, by subject."""
    return {f["subject"]: f for f in report["findings"] if f["status"] == "broken"}


def test_healthy_deployment(check):
    status, report = check()
    assert broken(report) == {}
    assert status == 0
    subjects = {f["subject"] for f in report["findings"] if f["status"] == "ok"}
    expected = {
        f"stack {STACK}",
        "Glue job mwaa-movielens-glue-job",
        "state machine Movielens-Transform-job",
        "SSM parameter /mwaa/sfn/movielens",
        "iam:PassRole on EMR_EC2_DefaultRole",
        "EMR role EMR_DefaultRole",
        "Lake Formation on mwaa-movielens-demo-db",
        "script preprocess_ratings.py",
        "DAG mwaa_movielens_dag.py",
        "plugins.zip",
        "requirements.txt",
        "wheel loads in Python 3.12",
        "MWAA environment check",
    }
    assert expected <= subjects
    assert report["summary"]["broken"] == 0
    assert report["summary"]["ok"] == len(subjects)


def without_pass_role(deployment):
    document = deployment.policy()
    document["Statement"] = [s for s in document["Statement"] if s["Action"] != "iam:PassRole"]
    deployment.put_policy(document)
    yield
    deployment.put_policy(deployment.policy())


def with_a_denied_action(deployment):
    document = deployment.policy()
    deny = {"Effect": "Deny", "Action": "elasticmapreduce:Run*", "Resource": "*"}
    document["Statement"].append(deny)
    deployment.put_policy(document)
    yield
    deployment.put_policy(deployment.policy())


def with_another_state_machine_in_ssm(deployment):
    ssm = deployment.client("ssm")
    right = ssm.get_parameter(Name="/mwaa/sfn/movielens")["Parameter"]["Value"]
    ssm.put_parameter(Name="/mwaa/sfn/movielens", Value="arn:of:another", Type="String", Overwrite=True)
    yield
    ssm.put_parameter(Name="/mwaa/sfn/movielens", Value=right, Type="String", Overwrite=True)


def without_a_parameter(deployment):
    ssm = deployment.client("ssm")
    ssm.delete_parameter(Name="/mwaa/S3/DemoBucket")
    yield
    ssm.put_parameter(Name="/mwaa/S3/DemoBucket", Value=DATA, Type="String")


def without_the_glue_job(deployment):
    glue = deployment.client("glue")
    job = glue.get_job(JobName="mwaa-movielens-glue-job")["Job"]
    glue.delete_job(JobName=job["Name"])
    yield
    kept = ("Name", "Role", "Command", "DefaultArguments", "GlueVersion", "WorkerType", "NumberOfWorkers")
    glue.create_job(**{key: job[key] for key in kept if key in job})


def with_an_empty_instance_profile(deployment):
    iam = deployment.client("iam")
    names = {"InstanceProfileName": "EMR_EC2_DefaultRole", "RoleName": "EMR_EC2_DefaultRole"}
    iam.remove_role_from_instance_profile(**names)
    yield
    iam.add_role_to_instance_profile(**names)


def governed_by_lake_formation(deployment):
    lake = deployment.client("lakeformation")
    admin = {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/administrator"}
    before = lake.get_data_lake_settings()["DataLakeSettings"]
    lake.put_data_lake_settings(DataLakeSettings={**before, "DataLakeAdmins": [admin]})
    yield
    lake.put_data_lake_settings(DataLakeSettings=before)


def with_another_dag_uploaded(deployment):
    key = "dags/mwaa_movielens_dag.py"
    deployment.client("s3").put_object(Bucket=MWAA, Key=key, Body=b"# an older one\n")
    yield
    deployment.upload()
    deployment.use_newest()


def without_a_script(deployment):
    deployment.client("s3").delete_object(Bucket=DATA, Key="scripts/preprocess_tags.py")
    yield
    deployment.upload()
    deployment.use_newest()


def with_bucket_versions_suspended(deployment):
    s3 = deployment.client("s3")
    s3.put_bucket_versioning(Bucket=MWAA, VersioningConfiguration={"Status": "Suspended"})
    yield
    s3.put_bucket_versioning(Bucket=MWAA, VersioningConfiguration={"Status": "Enabled"})


BREAKS = [
    (
        without_pass_role,
        {"iam:PassRole on EMR_DefaultRole", "iam:PassRole on EMR_EC2_DefaultRole"},
        f"put-role-policy --role-name {ROLE}",
    ),
    (with_a_denied_action, {"elasticmapreduce:RunJobFlow"}, "denies it"),
    (with_another_state_machine_in_ssm, {"SSM parameter /mwaa/sfn/movielens"}, "put-parameter --overwrite"),
    (without_a_parameter, {"SSM parameter /mwaa/S3/DemoBucket"}, f"--value {DATA}"),
    (without_the_glue_job, {"Glue job mwaa-movielens-glue-job"}, f"setup/deploy.sh -s {MWAA} -d {DATA}"),
    (
        with_an_empty_instance_profile,
        {"EMR instance profile EMR_EC2_DefaultRole"},
        "add-role-to-instance-profile",
    ),
    (governed_by_lake_formation, {"Lake Formation on mwaa-movielens-demo-db"}, "grant-permissions"),
    (with_another_dag_uploaded, {"DAG mwaa_movielens_dag.py"}, "upload it again"),
    (without_a_script, {"script preprocess_tags.py"}, "upload it"),
    (with_bucket_versions_suspended, {f"MWAA bucket {MWAA}"}, "put-bucket-versioning"),
]


@pytest.mark.parametrize(("change", "subjects", "remedy"), BREAKS, ids=lambda v: getattr(v, "__name__", ""))
def test_broken_deployment_names_its_break(deployment, check, change, subjects, remedy):
    with contextlib.contextmanager(change)(deployment):
        status, report = check()
    found = broken(report)
    assert set(found) == subjects
    assert status == 1
    for finding in found.values():
        assert finding["detail"]
        assert remedy in finding["remedy"]


def test_permissions_are_read_where_they_may_not_be_simulated(deployment, check, monkeypatch):
    def refused(*_):
        raise CallError("iam:SimulatePrincipalPolicy", "AccessDenied", "not you")

    monkeypatch.setattr("mwaalib.cli.check.permissions._simulate", refused)
    status, report = check()
    assert broken(report) == {}
    assert status == 0
    read = {f["subject"] for f in report["findings"] if f["detail"] == "read from its policies"}
    assert "iam:PassRole on EMR_DefaultRole" in read
    with contextlib.contextmanager(without_pass_role)(deployment):
        _, report = check()
    assert set(broken(report)) == {
        "iam:PassRole on EMR_DefaultRole",
        "iam:PassRole on EMR_EC2_DefaultRole",
    }


def repack(deployment, name=WHEEL, module=b"\x7fELF", cut=0):
    """Upload another plugins.zip, the local one with it."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("mwaalib/__init__.py", "")
        archive.writestr("mwaalib/_core.abi3.so", module)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr(name, inner.getvalue())
    data = outer.getvalue()[: -cut or None]
    deployment.client("s3").put_object(Bucket=MWAA, Key="plugins.zip", Body=data)
    (deployment.project / "dist" / "plugins.zip").write_bytes(data)
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
        ({"name": WHEEL.replace("0.1.0", "9.9.9")}, "requirements.txt, content", "mwaalib==9.9.9"),
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
def test_requirements_of_another_airflow(deployment, check):
    text = REQUIREMENTS.replace("constraints-3.3.1", "constraints-2.10.3")
    deployment.client("s3").put_object(Bucket=MWAA, Key="requirements.txt", Body=text.encode())
    (deployment.project / "dist" / "requirements.txt").write_text(text)
    deployment.use_newest()
    _, report = check()
    found = broken(report)
    assert set(found) == {"requirements.txt, content"}
    assert "MWAA_VERSION=3.3.1" in found["requirements.txt, content"]["remedy"]


def test_environment_that_does_not_exist(check):
    status, report = check(environment="nowhere")
    found = broken(report)
    assert set(found) == {"MWAA environment nowhere"}
    assert "list-environments" in found["MWAA environment nowhere"]["remedy"]
    assert status == 1


def test_stack_that_does_not_exist(check):
    status, report = check("-n", "another")
    assert "stack another" in broken(report)
    assert "does not" not in broken(report)["stack another"]["remedy"]
    assert status == 1


def test_could_not_tell_is_no_failure_unless_strict(check, tmp_path):
    status, report = check("--project", str(tmp_path))
    told = [f for f in report["findings"] if f["status"] == "unknown"]
    assert [f["subject"] for f in told] == ["uploaded files"]
    assert status == 0
    assert check("--project", str(tmp_path), "--strict")[0] == 1


def test_table_has_marks_and_remedies(deployment, check, capsys):
    with contextlib.contextmanager(without_the_glue_job)(deployment):
        status = main(["check", "-e", "check", "--project", str(deployment.project)])
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("✗ Glue job mwaa-movielens-glue-job"))
    assert "does not exist" in lines[at]
    assert "→ deploy again: setup/deploy.sh" in lines[at + 1]
    assert any(line.startswith("✓ stack ") for line in lines)
    assert "1 broken" in lines[-1]
    assert status == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "nobody"], "profile (nobody) could not be found"),
        (["--region", "us-east-1"], "log in"),
    ],
)
def test_what_keeps_the_check_from_running(arguments, said, monkeypatch, capsys, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("mwaalib check: ")
    assert len(printed.splitlines()) == 1


def test_without_boto3(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    assert main(["check"]) == 2
    assert "pip install 'mwaalib[check]'" in capsys.readouterr().err


def test_version(capsys):
    import mwaalib

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mwaalib {mwaalib.__version__}\n"


def test_no_command_shows_help(capsys):
    assert main([]) == 2
    assert "check" in capsys.readouterr().err


def test_needs_are_what_the_policy_grants():
    policy = json.loads((ROOT / "setup" / "additional_policy.json").read_text())
    granted = set()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        granted |= {actions} if isinstance(actions, str) else set(actions)
    assert {action for need in requirements.NEEDS for action in need.actions} == granted


def test_versions_are_those_of_the_matrix():
    import sys

    sys.path.insert(0, str(ROOT / "tools"))
    from image.catalogue import IMAGES

    assert {image.airflow: image.python for image in IMAGES if image.mwaa} == PYTHONS
