"""Whether the execution role may do what the DAG does: simulated, or else read from its policies."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from mwaalib.cli.check import policy
from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.finding import Finding, broken, note, ok, unknown
from mwaalib.cli.check.requirements import NEEDS, Need


def check_permissions(context: Context) -> list[Finding]:
    """Check every action that the DAG takes, iam:PassRole included."""
    subject = "execution role"
    name, arn = context.role_name(), context.role_arn()
    if name is None or arn is None:
        return [unknown(subject, "it is not known", "name the environment with -e, or the role with --role")]
    try:
        context.aws.call("iam", "get_role", RoleName=name)
    except CallError as error:
        if error.missing:
            remedy = "let the environment use a role that exists"
            return [broken(f"{subject} {name}", "does not exist", remedy)]
    found = [ok(f"{subject} {name}")]
    documents: list[dict[str, Any]] | None = None
    reason = ""
    for need in NEEDS:
        decisions, how = {}, "simulated"
        try:
            if documents is None:
                decisions = _simulate(context, arn, need)
        except CallError as error:
            reason = str(error)
        if not decisions:
            how = "read from its policies"
            try:
                documents = documents if documents is not None else _documents(context, name)
            except CallError as error:
                return [unknown(f"{subject} {name}", f"neither simulated ({reason}) nor read ({error})")]
            decisions = {action: _read(context, documents, need, action) for action in need.actions}
        found += [_finding(context, name, need, action, decisions[action], how) for action in need.actions]
    return found


def _resources(context: Context, need: Need) -> list[str]:
    bucket = context.buckets.get("DataBucket") or "mwaalib-check-unknown-bucket"
    return [
        resource.format(
            partition=context.partition,
            region=context.aws.region,
            account=context.account,
            data_bucket=bucket,
        )
        for resource in need.resources
    ]


def _simulate(context: Context, arn: str, need: Need) -> dict[str, str]:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in need.conditions.items()
    ]
    results = context.aws.pages(
        "iam",
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=arn,
        ActionNames=list(need.actions),
        ResourceArns=_resources(context, need),
        ContextEntries=entries,
    )
    decided = {result["EvalActionName"]: result["EvalDecision"] for result in results}
    return decided if set(decided) >= set(need.actions) else {}


def _documents(context: Context, name: str) -> list[dict[str, Any]]:
    found = []
    for inline in context.aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
        reply = context.aws.call("iam", "get_role_policy", RoleName=name, PolicyName=inline)
        found.append(_parsed(reply["PolicyDocument"]))
    attached = context.aws.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    for entry in attached:
        version = context.aws.call("iam", "get_policy", PolicyArn=entry["PolicyArn"])["Policy"][
            "DefaultVersionId"
        ]
        reply = context.aws.call("iam", "get_policy_version", PolicyArn=entry["PolicyArn"], VersionId=version)
        found.append(_parsed(reply["PolicyVersion"]["Document"]))
    return found


def _parsed(document: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    return parsed


def _read(context: Context, documents: list[dict[str, Any]], need: Need, action: str) -> str:
    decisions = [policy.decide(documents, action, r, need.conditions) for r in _resources(context, need)]
    return next((d for d in decisions if d != "allowed"), "allowed")


def _finding(context: Context, role: str, need: Need, action: str, decision: str, how: str) -> Finding:
    target = f" on {need.resources[0].rpartition('/')[2]}" if action == "iam:PassRole" else ""
    subject = f"{action}{target}"
    if decision == "allowed":
        return ok(subject, how)
    if decision == "unknown":
        return unknown(subject, "a policy allows it under a condition that cannot be judged here")
    if need.makes_role and _exists(context, need.makes_role):
        return ok(subject, f"not needed any more: {need.makes_role} exists")
    lacks = note if need.optional else broken
    if decision == "explicitDeny":
        remedy = (
            f"find the policy of {role} (or of its boundary or organization) that denies it, and change it"
        )
        return lacks(subject, f"a policy denies it, so {need.why}", remedy)
    remedy = (
        f"aws iam put-role-policy --role-name {role} --policy-name mwaa-movielens "
        "--policy-document file://dist/additional_policy.json (written by setup/deploy.sh)"
    )
    return lacks(subject, f"no policy of {role} allows it, so {need.why}", remedy)


def _exists(context: Context, role: str) -> bool:
    try:
        context.aws.call("iam", "get_role", RoleName=role)
    except CallError:
        return False
    return True
