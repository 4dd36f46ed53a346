"""How `mwaalib check` reads Lake Formation, pip's log, and rights that the DAG can do without."""

from __future__ import annotations

import pytest
from cli.deployment import INSTALLED, LOG_GROUP, ROLE, broken
from mwaalib.cli.check.lake_formation import _sees_all

LAKE = "Lake Formation on mwaa-movielens-demo-db"
PIP = "MWAA environment check, pip's log"


def finding(report, subject):
    return next(f for f in report["findings"] if f["subject"] == subject)


@pytest.fixture
def governed(deployment):
    """Lake Formation governs the database; the test names its administrators."""
    lake = deployment.client("lakeformation")
    before = lake.get_data_lake_settings()["DataLakeSettings"]

    def by(*admins):
        listed = [{"DataLakePrincipalIdentifier": arn} for arn in admins]
        lake.put_data_lake_settings(DataLakeSettings={**before, "DataLakeAdmins": listed})

    yield by
    lake.put_data_lake_settings(DataLakeSettings=before)


def test_an_administrator_sees_that_the_grant_lacks(deployment, check, governed):
    governed(deployment.client("sts").get_caller_identity()["Arn"])
    status, report = check()
    assert set(broken(report)) == {LAKE}
    assert "grant-permissions" in broken(report)[LAKE]["remedy"]
    assert status == 1


def test_others_could_not_tell(check, governed):
    governed("arn:aws:iam::123456789012:role/administrator")
    status, report = check()
    told = finding(report, LAKE)
    assert (told["status"], status) == ("unknown", 0)
    assert "administrator" in told["remedy"]


@pytest.mark.parametrize(
    ("caller", "admin", "sees"),
    [
        ("arn:aws:iam::1:user/me", "arn:aws:iam::1:user/me", True),
        ("arn:aws:iam::1:user/me", "arn:aws:iam::1:user/you", False),
        ("arn:aws:sts::1:assumed-role/Admin/session", "arn:aws:iam::1:role/Admin", True),
        ("arn:aws:sts::1:assumed-role/Admin/session", "arn:aws:iam::1:role/aws-reserved/sso/Admin", True),
        ("arn:aws:sts::1:assumed-role/Admin/session", "arn:aws:iam::2:role/Admin", False),
        ("arn:aws:sts::1:assumed-role/Admin/session", "arn:aws:iam::1:role/NoAdmin", False),
    ],
)
def test_who_is_an_administrator(caller, admin, sees):
    admins = [{"DataLakePrincipalIdentifier": admin}]
    assert _sees_all(caller, {"DataLakeAdmins": admins}) is sees
    assert _sees_all(caller, {"ReadOnlyAdmins": admins}) is sees


@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        ([INSTALLED], "ok", "requirements_install_ip"),
        (
            [
                "Collecting x",
                "ERROR: Could not find a version that satisfies x",
                "ERROR: No matching distribution",
            ],
            "broken",
            "Could not find a version that satisfies x; ERROR: No matching distribution",
        ),
        (["ERROR: pip's dependency resolver does not take into account", INSTALLED], "ok", ""),
        (["Collecting x", "  error: subprocess-exited-with-error"], "broken", "subprocess-exited-with-error"),
        (["ERROR: Failed building wheel for x", INSTALLED], "ok", ""),
        (["Successfully installed duckdb-1.4.0"], "unknown", "neither mwaalib nor an error"),
    ],
)
def test_log_of_pip(deployment, check, lines, status, said):
    logs = deployment.client("logs")
    stream = deployment.log_of_pip("newest", lines)
    try:
        _, report = check()
    finally:
        logs.delete_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    told = finding(report, PIP)
    assert told["status"] == status
    assert said in told["detail"]


def test_no_log_of_pip(deployment, check):
    logs = deployment.client("logs")
    logs.delete_log_group(logGroupName=LOG_GROUP)
    try:
        status, report = check()
    finally:
        deployment.log_of_pip("a", [INSTALLED])
    told = finding(report, PIP)
    assert (told["status"], status) == ("unknown", 0)
    assert "scheduler logs" in told["remedy"]


def test_rights_that_the_dag_can_do_without(deployment, check):
    document = deployment.policy()
    left_out = {"ReadStepLogs", "ListStepLogs", "LetEmrCleanUp"}
    document["Statement"] = [s for s in document["Statement"] if s["Sid"] not in left_out]
    deployment.put_policy(document)
    iam = deployment.client("iam")
    try:
        status, report = check()
        assert set(broken(report)) == {"iam:CreateServiceLinkedRole"}, "no cluster can clean up yet"
        assert status == 1
        assert {f["subject"] for f in report["findings"] if f["status"] == "note"} == {
            "s3:GetObject",
            "s3:ListBucket",
        }
        iam.create_service_linked_role(AWSServiceName="elasticmapreduce.amazonaws.com")
        name = "AWSServiceRoleForEMRCleanup"
        roles = {role["RoleName"] for role in iam.list_roles()["Roles"]}
        if name not in roles:  # moto names it otherwise
            iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        status, report = check()
        assert broken(report) == {}
        assert status == 0
    finally:
        deployment.put_policy(deployment.policy())
    assert ROLE
