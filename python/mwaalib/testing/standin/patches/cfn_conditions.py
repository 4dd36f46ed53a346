"""CloudFormation conditions in YAML, and members that a condition takes away.

moto takes ``!Condition`` within ``!And``, ``!Or`` and ``!Not`` for false, and leaves None in a list
where AWS::NoValue takes a member away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Mend both."""
    from moto.cloudformation import parsing

    parse_condition, clean_json = parsing.parse_condition, parsing.clean_json

    def parsed(condition: Any, resources_map: Any, condition_map: Any) -> bool:
        if isinstance(condition, dict) and isinstance(name := condition.get("Fn::Condition"), str):
            return bool(condition_map[name])
        return bool(parse_condition(condition, resources_map, condition_map))

    def cleaned(resource_json: Any, resources_map: Any) -> Any:
        value = clean_json(resource_json, resources_map)
        if isinstance(resource_json, list) and isinstance(value, list):
            return [member for member in value if member is not None]
        return value

    parsing.parse_condition = parsed
    parsing.clean_json = cleaned
