"""What IAM policies allow, as iam:SimulatePrincipalPolicy tells it."""

from __future__ import annotations

import fnmatch
import json
from typing import Any
from urllib.parse import unquote

_NEGATED = ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike")


def decide(documents: list[dict[str, Any]], action: str, resource: str, context: dict[str, list[str]]) -> str:
    """Decide on one action and resource.

    :param documents: policy documents of the principal.
    :param action: action such as ``s3:GetObject``.
    :param resource: the resource's ARN, or ``*``.
    :param context: values of condition keys.
    :return: ``allowed``, ``explicitDeny`` or ``implicitDeny``.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _listed(document.get("Statement"))
        if _applies(statement, action, resource, context)
    }
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def documents_of(backend: Any, role: Any) -> list[dict[str, Any]]:
    """Return a role's inline and attached policy documents.

    :param backend: moto's IAM backend.
    :param role: moto's role.
    """
    found = list(role.policies.values())
    attached = [backend.get_policy(arn) for arn in role.managed_policies]
    found += [v.document for p in attached for v in p.versions if v.version_id == p.default_version_id]
    return [json.loads(unquote(d)) if isinstance(d, str) else d for d in found]


def _applies(statement: dict[str, Any], action: str, resource: str, context: dict[str, list[str]]) -> bool:
    if "NotAction" in statement:
        if _any(statement["NotAction"], action.lower(), lower=True):
            return False
    elif not _any(statement.get("Action", []), action.lower(), lower=True):
        return False
    if "NotResource" in statement:
        if _any(statement["NotResource"], resource):
            return False
    elif not _any(statement.get("Resource", "*"), resource):
        return False
    return all(
        _condition(operator, key, _listed(wanted), context)
        for operator, tests in (statement.get("Condition") or {}).items()
        for key, wanted in tests.items()
    )


def _condition(operator: str, key: str, wanted: list[Any], context: dict[str, list[str]]) -> bool:
    name = operator.rpartition(":")[2]
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    values = next((v for k, v in context.items() if k.lower() == key.lower()), None)
    if name == "Null":
        return (values is None) == (str(wanted[0]).lower() == "true")
    if values is None:
        return optional or name in _NEGATED
    like = name.endswith("Like") or name.startswith("Arn")
    hit = any(_like(str(w), v) if like else str(w).lower() == v.lower() for w in wanted for v in values)
    return hit != (name in _NEGATED)


def _any(patterns: Any, value: str, lower: bool = False) -> bool:
    return any(_like(p.lower() if lower else p, value) for p in _listed(patterns))


def _like(pattern: str, value: str) -> bool:
    # A resource of * stands for any one, so that it matches the patterns of actions that know no resource.
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
