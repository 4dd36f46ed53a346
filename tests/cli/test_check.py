"""`mwaalib check` on a healthy deployment, and on broken ones: it names the break and nothing else."""

from __future__ import annotations

import contextlib
import json

import pytest
from cli.deployment import DATA, MWAA, ROLE, ROOT, STACK, broken
from mwaalib.cli.check import requirements
from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.environment import PYTHONS
from mwaalib.cli.main import main


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
        "MWAA environment check, pip's log",
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
