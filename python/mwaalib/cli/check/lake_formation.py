"""Lake Formation: where it governs the database, the crawlers' role needs a grant."""

from __future__ import annotations

import re
from typing import Any

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import DATABASE, Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

EVERYONE = "IAM_ALLOWED_PRINCIPALS"
ASK = "ask a data lake administrator to run the check"
NEEDED = frozenset({"CREATE_TABLE", "DESCRIBE"})


def check_lake_formation(context: Context) -> list[Finding]:
    """Check the grant on the database, if Lake Formation governs it."""
    subject = f"Lake Formation on {DATABASE}"
    role = context.resources.get("CrawlerRole", {}).get("PhysicalResourceId")
    try:
        grants = context.aws.pages(
            "lakeformation",
            "list_permissions",
            "PrincipalResourcePermissions",
            Resource={"Database": {"Name": DATABASE}},
        )
        settings = context.aws.call("lakeformation", "get_data_lake_settings")["DataLakeSettings"]
        if not grants and not settings.get("DataLakeAdmins"):
            return [ok(subject, "not in use: IAM alone decides")]
    except CallError as error:
        if error.missing:
            return [unknown(subject, "there is no such database")]
        return [unknown(subject, str(error), ASK)]
    if "ALL" in _held(grants, EVERYONE):
        return [ok(subject, "IAM alone decides on this database")]
    if not role:
        return [
            unknown(subject, "governs it, but the crawlers' role is not known, for the stack cannot be read")
        ]
    arn = f"arn:{context.partition}:iam::{context.account}:role/{role}"
    held = _held(grants, arn)
    lacking = set() if held & {"ALL", "SUPER_USER"} else NEEDED - held
    if not lacking:
        return [ok(subject, f"granted to {role}")]
    if not _sees_all(context.caller, settings):
        detail = f"no grant to {role} is shown to you, who are no data lake administrator"
        return [unknown(subject, detail, ASK)]
    remedy = (
        f"aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier={arn} "
        "--permissions CREATE_TABLE ALTER DESCRIBE "
        f'--resource \'{{"Database":{{"Name":"{DATABASE}"}}}}\''
    )
    return [broken(subject, f"governs it, and {role} lacks {', '.join(sorted(lacking))}", remedy)]


def _held(grants: list[dict[str, Any]], principal: str) -> set[str]:
    held: set[str] = set()
    for grant in grants:
        if grant.get("Principal", {}).get("DataLakePrincipalIdentifier") == principal:
            held |= set(grant.get("Permissions", []))
    return held


def _sees_all(caller: str, settings: dict[str, Any]) -> bool:
    """Return whether ListPermissions hides nothing: others than administrators see their own grants alone."""
    admins = [
        entry.get("DataLakePrincipalIdentifier", "")
        for member in ("DataLakeAdmins", "ReadOnlyAdmins")
        for entry in settings.get(member, [])
    ]
    # A session's ARN has its role's name, without the path that the role's own ARN has.
    role = re.fullmatch(r"arn:[^:]+:sts::(\d+):assumed-role/([^/]+)/.+", caller)
    if role is None:
        return caller in admins
    return any(re.fullmatch(rf"arn:[^:]+:iam::{role[1]}:role/(.+/)?{re.escape(role[2])}", a) for a in admins)
