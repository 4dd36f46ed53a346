"""Questions about a parsed CloudFormation template."""

from __future__ import annotations

import re
from typing import Any

from mwaalib.testing.standin.errors import AwsError

_SUB = re.compile(r"\$\{([^!][^}]*)\}")


def references(value: Any) -> set[str]:
    """Return the logical names that a part of a template refers to, by Ref, GetAtt, Sub and DependsOn."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, member in value.items():
            if key in ("Ref", "Condition") and isinstance(member, str):
                found.add(member)
            elif key == "Fn::GetAtt":
                found.add(member[0] if isinstance(member, list) else member.split(".")[0])
            elif key == "Fn::Sub":
                text = member[0] if isinstance(member, list) else member
                found |= {name.split(".")[0] for name in _SUB.findall(text)}
                found |= references(member[1]) if isinstance(member, list) else set()
            elif key == "DependsOn":
                found |= {member} if isinstance(member, str) else set(member)
            else:
                found |= references(member)
    elif isinstance(value, list):
        for member in value:
            found |= references(member)
    return found


def in_order(resources: dict[str, Any]) -> list[str]:
    """Return the resources' names, each after those that it refers to.

    :raises AwsError: they refer to each other in a circle.
    """
    ordered: list[str] = []
    open_names: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in open_names:
            raise AwsError(
                "ValidationError", f"Circular dependency between resources: [{', '.join(open_names)}]"
            )
        open_names.append(name)
        for other in sorted(references(resources[name])):
            if other in resources and other != name:
                visit(other)
        open_names.remove(name)
        ordered.append(name)

    for name in resources:
        visit(name)
    return ordered


def effective_parameters(template: dict[str, Any], given: dict[str, Any] | None) -> dict[str, str]:
    """Return every parameter's value as text, defaults filled in."""
    given = given or {}
    return {
        name: str(given.get(name, definition.get("Default")))
        for name, definition in (template.get("Parameters") or {}).items()
    }


def changed_resources(
    old: dict[str, Any],
    new: dict[str, Any],
    old_given: dict[str, Any] | None,
    new_given: dict[str, Any] | None,
) -> list[str]:
    """Return the resources of both templates whose own text or parameters differ."""
    before, after = effective_parameters(old, old_given), effective_parameters(new, new_given)
    parameters = {name for name in after if before.get(name) != after[name]}
    was = old.get("Resources", {})
    return [
        name
        for name, definition in new["Resources"].items()
        if name in was and (was[name] != definition or references(definition) & parameters)
    ]


def check_parameters(definitions: dict[str, Any], given: dict[str, Any] | None) -> None:
    """Check parameter values as CloudFormation does.

    :raises AwsError: an unknown or missing parameter, or a value outside what is allowed.
    """
    given = given or {}
    unknown = [name for name in given if name not in definitions]
    if unknown:
        raise AwsError("ValidationError", f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [n for n, d in definitions.items() if n not in given and d.get("Default") is None]
    if missing:
        raise AwsError("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
    for name, definition in definitions.items():
        if name in given:
            _check(name, str(given[name]), definition)


def _check(name: str, value: str, definition: dict[str, Any]) -> None:
    allowed = definition.get("AllowedValues")
    if allowed is not None and value not in [str(a) for a in allowed]:
        raise AwsError("ValidationError", f"Parameter '{name}' must be one of AllowedValues")
    pattern = definition.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise AwsError("ValidationError", f"Parameter '{name}' must match pattern {pattern}")
    if definition.get("Type") == "Number":
        try:
            number = float(value)
        except ValueError:
            raise AwsError("ValidationError", f"Parameter '{name}' must be a number.") from None
        low, high = definition.get("MinValue"), definition.get("MaxValue")
        if (low is not None and number < float(low)) or (high is not None and number > float(high)):
            raise AwsError("ValidationError", f"Parameter '{name}' must be a number between {low} and {high}")


def missing_capability(template: dict[str, Any], given: list[str]) -> str | None:
    """Return the capability that a template needs and was not given."""
    iam = [
        r for r in (template.get("Resources") or {}).values() if str(r.get("Type")).startswith("AWS::IAM::")
    ]
    if not iam or "CAPABILITY_NAMED_IAM" in given:
        return None
    names = ("RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName")
    if any(name in (r.get("Properties") or {}) for r in iam for name in names):
        return "CAPABILITY_NAMED_IAM"
    return None if "CAPABILITY_IAM" in given else "CAPABILITY_IAM"


def parse(template: Any) -> dict[str, Any]:
    """Parse a template's text, YAML or JSON."""
    from moto.cloudformation.models import Stack

    parsed: dict[str, Any] = Stack.parse_template(template)
    return parsed
