"""A reading of IAM policies, for accounts where the simulator may not be used."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any

OPERATORS = {
    "StringEquals": lambda value, patterns: value in patterns,
    "StringLike": lambda value, patterns: any(_matches(value, p) for p in patterns),
    "StringNotEquals": lambda value, patterns: value not in patterns,
    "ArnEquals": lambda value, patterns: any(_matches(value, p) for p in patterns),
    "ArnLike": lambda value, patterns: any(_matches(value, p) for p in patterns),
    "StringEqualsIgnoreCase": lambda value, patterns: value.lower() in {p.lower() for p in patterns},
}


def decide(
    documents: Iterable[Mapping[str, Any]], action: str, resource: str, conditions: Mapping[str, str]
) -> str:
    """Return what the policies decide on a request.

    :param documents: policy documents, parsed.
    :param action: IAM action.
    :param resource: ARN, or ``*`` for a request without a resource.
    :param conditions: context keys of the request.
    :return: ``allowed``, ``explicitDeny``, ``implicitDeny``, or ``unknown`` where a condition that decides
        cannot be read.
    """
    decisions = set()
    for document in documents:
        for statement in _listed(document.get("Statement", [])):
            if not _applies(statement, action, resource):
                continue
            holds = _holds(statement.get("Condition", {}), conditions)
            if holds is not False:
                decisions.add((statement.get("Effect"), holds))
    if ("Deny", True) in decisions:
        return "explicitDeny"
    if ("Deny", None) in decisions:
        return "unknown"
    if ("Allow", True) in decisions:
        return "allowed"
    return "unknown" if ("Allow", None) in decisions else "implicitDeny"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(value: str, pattern: str) -> bool:
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), value) is not None


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    named = [str(a).lower() for a in _listed(statement.get("Action", []))]
    excluded = [str(a).lower() for a in _listed(statement.get("NotAction", []))]
    if excluded:
        if any(_matches(action.lower(), a) for a in excluded):
            return False
    elif not any(_matches(action.lower(), a) for a in named):
        return False
    if "NotResource" in statement:
        return not any(_matches(resource, str(r)) for r in _listed(statement["NotResource"]))
    return any(_matches(resource, str(r)) for r in _listed(statement.get("Resource", [])))


def _holds(condition: Mapping[str, Any], known: Mapping[str, str]) -> bool | None:
    """Return whether a condition holds, or None where that cannot be told."""
    result: bool | None = True
    lowered = {key.lower(): value for key, value in known.items()}
    for operator, wanted in condition.items():
        plain = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
        optional = plain.endswith("IfExists")
        judge = OPERATORS.get(plain.removesuffix("IfExists"))
        for key, patterns in wanted.items():
            value = lowered.get(key.lower())
            if judge is None or (value is None and not optional):
                result = None
            elif value is not None and not judge(value, [str(p) for p in _listed(patterns)]):
                return False
    return result
