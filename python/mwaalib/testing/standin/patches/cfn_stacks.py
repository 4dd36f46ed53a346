"""CloudFormation stacks: failures roll back with a reason, updates apply what changed.

moto's stacks raise in the middle of a create and stay half made, skip types they do not know,
update only what differs as text (not what a changed parameter or resource changes), have no
Outputs when made by a change set (as ``aws cloudformation deploy`` does), and do not check parameters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.patches.cfn_template import (
    changed_resources,
    check_parameters,
    effective_parameters,
    in_order,
    parse,
)

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


def apply(runtime: Runtime) -> None:
    """Mend the stack engine."""
    _mend_resources()
    _mend_stacks()
    _mend_change_sets()


def reason_of(error: Exception) -> str:
    """Return an error's message without moto's wrapping."""
    text = getattr(error, "message", None) or getattr(error, "description", None) or str(error)
    found = re.search(r"<Message>(.*?)</Message>", str(text), re.DOTALL)
    return found.group(1) if found else str(text) or type(error).__name__


def _mend_resources() -> None:
    from moto.cloudformation import parsing

    create_one, update_one = parsing.parse_and_create_resource, parsing.parse_and_update_resource
    class_of = parsing.resource_class_from_type

    def known_class(resource_type: str) -> Any:
        found = class_of(resource_type)
        if found is None and resource_type not in parsing.NULL_MODELS:
            raise AwsError("ValidationError", f"the stand-in does not make resources of type {resource_type}")
        return found

    def created(logical_id: str, resource_json: Any, resources_map: Any, **where: Any) -> Any:
        kind = resource_json["Type"]
        event = _Events(resources_map, logical_id, kind)
        try:
            resource = create_one(logical_id, resource_json, resources_map, **where)
        except Exception as error:
            event.failed("CREATE", error)
            raise
        if resource is not None:
            resources_map.resolved[logical_id] = parsing.clean_json(resource_json, resources_map)
            event.add("CREATE_COMPLETE", physical=resource)
        return resource

    def update(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        before = self._resource_json_map
        self._template, self._resource_json_map = template, template["Resources"]
        if parameters is not None:
            self.input_parameters = parameters
        self.resolved_parameters = {}
        self.load()
        for name in in_order(template["Resources"]):
            _bring(self, name, update_one)
        for name in [n for n in before if n not in template["Resources"]]:
            _remove(self, name, before[name])

    parsing.resource_class_from_type = known_class
    parsing.parse_and_create_resource = created
    parsing.ResourceMap.update = update
    load_parameters = parsing.ResourceMap.load_parameters

    def checked(self: Any) -> None:
        if self._template:  # a stack in review has none yet
            check_parameters(self._template.get("Parameters") or {}, self.input_parameters)
        load_parameters(self)

    parsing.ResourceMap.load_parameters = checked


def _bring(resources: Any, name: str, update_one: Any) -> None:
    """Create a resource, or update it if what its template gives has changed."""
    from moto.cloudformation import parsing

    definition = resources._resource_json_map[name]
    condition = definition.get("Condition")
    wanted = not condition or resources.lazy_condition_map[condition]
    if not wanted:
        if resources._parsed_resources.get(name) is not None:
            _remove(resources, name, definition)
        return
    if resources._parsed_resources.get(name) is None:
        _ = resources[name]
        return
    event = _Events(resources, name, definition["Type"])
    try:
        resolved = parsing.clean_json(definition, resources)
        if resolved == resources.resolved.get(name):
            return
        where = {"account_id": resources._account_id, "region_name": resources._region_name}
        new = update_one(name, definition, resources, **where)
        if new is None:  # moto cannot update this type: replace it
            _remove(resources, name, definition)
            _ = resources[name]
            return
    except Exception as error:
        event.failed("UPDATE", error)
        raise
    resources._parsed_resources[name] = new
    resources.resolved[name] = parsing.clean_json(definition, resources)
    event.add("UPDATE_COMPLETE", physical=new)


def _remove(resources: Any, name: str, definition: dict[str, Any]) -> None:
    resource = resources._parsed_resources.pop(name, None)
    resources.resolved.pop(name, None)
    if resource is not None and definition.get("DeletionPolicy") != "Retain":
        resources._delete_resource(resource, definition)
        _Events(resources, name, definition["Type"]).add("DELETE_COMPLETE", physical=resource)


class _Events:
    """Stack events of one resource."""

    def __init__(self, resources: Any, logical_id: str, kind: str) -> None:
        self._resources = resources
        self._logical_id = logical_id
        self._kind = kind

    def add(self, status: str, reason: str | None = None, physical: Any = None) -> None:
        from moto.cloudformation.models import Event

        stack = self._resources.stack
        stack.events.append(
            Event(
                stack_id=stack.stack_id,
                stack_name=stack.name,
                logical_resource_id=self._logical_id,
                physical_resource_id=getattr(physical, "physical_resource_id", ""),
                resource_type=self._kind,
                resource_status=status,
                resource_status_reason=reason,
                resource_properties=None,
            )
        )

    def failed(self, action: str, error: Exception) -> None:
        # An error passes through all resources that wait for the one that failed: only that one is told.
        if not getattr(error, "told", False):
            error.told = True  # type: ignore[attr-defined]
            self.add(f"{action}_FAILED", reason_of(error))


def _mend_stacks() -> None:
    from moto.cloudformation.models import CloudFormationBackend, Stack

    create_map = Stack._create_resource_map

    def created_map(self: Any) -> Any:
        resources = create_map(self)
        resources.stack, resources.resolved = self, {}
        return resources

    def create_resources(self: Any) -> None:
        self.status = "CREATE_IN_PROGRESS"
        try:
            ready = self.resource_map.create(self.template_dict)
        except Exception as error:
            _roll_back(self, error)
            return
        self.description = self.template_dict.get("Description")
        if ready:
            self.mark_creation_complete()

    def update(
        self: Any, template: Any, role_arn: Any = None, parameters: Any = None, tags: Any = None
    ) -> None:
        old = (self.template, self.parameters)
        self._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
        try:
            _put(self, template, parameters)
            self.status = "UPDATE_COMPLETE"
        except Exception as error:
            self._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", resource_status_reason=reason_of(error))
            try:
                _put(self, *old)
                self.status = "UPDATE_ROLLBACK_COMPLETE"
            except Exception:
                self.status = "UPDATE_ROLLBACK_FAILED"
        self._add_stack_event(self.status)
        self.role_arn = role_arn
        if tags is not None:
            self.tags = tags

    delete_stack = CloudFormationBackend.delete_stack

    def deleted(self: Any, name_or_stack_id: str) -> None:
        stack = next((s for s in self.stacks.values() if name_or_stack_id in (s.name, s.stack_id)), None)
        try:
            delete_stack(self, name_or_stack_id)
        except Exception as error:
            if stack is None:
                raise
            self.stacks[stack.stack_id] = stack
            stack.status = "DELETE_FAILED"
            stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason_of(error))

    Stack._create_resource_map = created_map
    Stack.create_resources = create_resources
    Stack.update = update
    CloudFormationBackend.delete_stack = deleted


def _put(stack: Any, template: Any, parameters: Any) -> None:
    stack.template = template
    stack._parse_template()
    stack.parameters = parameters if parameters is not None else stack.parameters
    stack.resource_map.update(stack.template_dict, stack.parameters)
    stack.output_map = stack._create_output_map()
    stack.description = stack.template_dict.get("Description")


def _roll_back(stack: Any, error: Exception) -> None:
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=reason_of(error))
    try:
        stack.resource_map.delete()
        stack.status = "ROLLBACK_COMPLETE"
    except Exception as late:
        stack.status = "ROLLBACK_FAILED"
        stack._add_stack_event("ROLLBACK_FAILED", resource_status_reason=reason_of(late))
    # What is not there must not be made by looking at the stack.
    stack.resource_map._resource_json_map = {}
    stack.output_map._output_json_map = {}
    stack._add_stack_event(stack.status)


def _mend_change_sets() -> None:
    from moto.cloudformation.models import Change, ChangeSet, CloudFormationBackend

    create_change_set = CloudFormationBackend.create_change_set

    def diff(self: Any) -> list[Any]:
        old = self.stack.template_dict.get("Resources", {})
        new = self.template_dict["Resources"]
        modified = changed_resources(
            self.stack.template_dict, self.template_dict, self.stack.parameters, self.parameters
        )
        actions = [("Add", n, new[n]) for n in new if n not in old]
        actions += [("Modify", n, new[n]) for n in modified]
        actions += [("Remove", n, old[n]) for n in old if n not in new]
        return [Change(action, name, definition["Type"]) for action, name, definition in actions]

    def created(
        self: Any, stack_name: str, change_set_name: str, template: Any, parameters: Any, **more: Any
    ) -> Any:
        stack = next((s for s in self.stacks.values() if s.name == stack_name), None)
        creates = more.get("change_set_type", "CREATE") == "CREATE"
        if stack is not None and stack.status == "REVIEW_IN_PROGRESS" and creates:
            del self.stacks[stack.stack_id]  # an earlier change set was never executed
        elif stack is not None and creates:
            raise AwsError(
                "ValidationError",
                f"Stack [{stack_name}] already exists and cannot be created again "
                f"with the changeSet [{change_set_name}].",
            )
        elif stack is not None and stack.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
            raise AwsError(
                "ValidationError",
                f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.",
            )
        parsed = parse(template)
        check_parameters(parsed.get("Parameters") or {}, parameters)
        ids = create_change_set(self, stack_name, change_set_name, template, parameters, **more)
        change_set = self.change_sets[ids[0]]
        if creates:
            return ids
        stack = self.stacks[change_set.stack_id]
        same = stack.template_dict == parsed and effective_parameters(
            parsed, parameters
        ) == effective_parameters(parsed, stack.parameters)
        change_set.status = "FAILED" if same else "CREATE_COMPLETE"
        change_set.execution_status = "UNAVAILABLE" if same else "AVAILABLE"
        change_set.status_reason = _NO_CHANGES if same else None
        return ids

    def execute(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = self.describe_change_set(change_set_name)
        if change_set.execution_status != "AVAILABLE":
            raise AwsError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set_name}] cannot be executed "
                f"in its current status of [{change_set.status}]",
            )
        stack = self.stacks[change_set.stack_id]
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        if change_set.change_set_type == "CREATE":
            stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
            stack.template, stack.parameters = change_set.template, change_set.parameters
            stack._parse_template()
            stack.cross_stack_resources = self.exports
            stack.resource_map = stack._create_resource_map()
            stack.output_map = stack._create_output_map()
            stack.create_resources()
        else:
            stack.update(change_set.template, parameters=change_set.parameters, tags=change_set.tags or None)
        for export in stack.exports:
            self.exports[export.name] = export
        change_set.execution_status = "EXECUTE_COMPLETE"

    ChangeSet.diff = diff
    CloudFormationBackend.create_change_set = created
    CloudFormationBackend.execute_change_set = execute
