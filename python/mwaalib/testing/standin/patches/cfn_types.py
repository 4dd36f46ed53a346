"""CloudFormation: types that moto skips silently, and properties that it leaves out.

Adds AWS::Glue::Database, AWS::Glue::Job and AWS::Glue::Crawler; attaches a role's
ManagedPolicyArns, keeps its policies as JSON and applies their updates; keeps a function's Architectures; updates
a log group's retention.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.patches.glue_crawlers import CRAWLER_MEMBERS, update_crawler
from mwaalib.testing.standin.patches.glue_jobs import JOB_MEMBERS, update_job

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Add the types and mend the others."""
    _add_glue_types()
    _mend_roles()
    _mend_functions()
    _mend_log_groups()


class _GlueResource:
    """What the Glue types share: a resource known by its name, which a change of the name replaces."""

    kind = ""
    name_property = "Name"

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def named(cls, properties: dict[str, Any], default: str) -> str:
        """Return the name that the properties give."""
        return str(properties.get("Name", default))

    @staticmethod
    def made(backend: Any, name: str, properties: dict[str, Any]) -> None:
        """Make it in moto's Glue."""
        raise NotImplementedError

    @staticmethod
    def changed(backend: Any, name: str, properties: dict[str, Any]) -> None:
        """Give it other properties."""
        raise NotImplementedError

    @staticmethod
    def deleted(backend: Any, name: str) -> None:
        """Take it away."""
        raise NotImplementedError

    @property
    def physical_resource_id(self) -> str:
        """The name, which is what Ref gives."""
        return self.name

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Tell that GetAtt gives nothing."""
        return False

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Refuse GetAtt."""
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        raise UnformattedGetAttTemplateException()

    @classmethod
    def cloudformation_name_type(cls) -> str:
        """The property that names it."""
        return cls.name_property

    @classmethod
    def cloudformation_type(cls) -> str:
        """The type in templates."""
        return cls.kind

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> _GlueResource:
        """Make what a template describes."""
        properties = cloudformation_json["Properties"]
        name = cls.named(properties, resource_name)
        cls.made(_glue(account_id, region_name), name, properties)
        return cls(name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        """Bring it to what a template describes now."""
        backend = _glue(account_id, region_name)
        properties = cloudformation_json["Properties"]
        if cls.named(properties, original_resource.name) == original_resource.name:
            cls.changed(backend, original_resource.name, properties)
            return original_resource
        created = cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )
        cls.deleted(backend, original_resource.name)
        return created

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Take it away."""
        cls.deleted(_glue(account_id, region_name), resource_name)


def _glue(account_id: str, region_name: str) -> Any:
    from moto.glue.models import glue_backends

    return glue_backends[account_id][region_name]


def _add_glue_types() -> None:
    # moto knows the direct subclasses of this one.
    from moto.core.common_models import CloudFormationModel

    class GlueDatabase(_GlueResource, CloudFormationModel):
        __module__ = "moto.glue.models"
        kind = "AWS::Glue::Database"
        name_property = ""  # it is within DatabaseInput

        @classmethod
        def named(cls, properties: dict[str, Any], default: str) -> str:
            return str(properties["DatabaseInput"].get("Name", default.lower()))

        @staticmethod
        def made(backend: Any, name: str, properties: dict[str, Any]) -> None:
            backend.create_database(name, {**properties["DatabaseInput"], "Name": name})

        @staticmethod
        def changed(backend: Any, name: str, properties: dict[str, Any]) -> None:
            backend.update_database(name, {**properties["DatabaseInput"], "Name": name})

        @staticmethod
        def deleted(backend: Any, name: str) -> None:
            backend.delete_database(name)

    class GlueJob(_GlueResource, CloudFormationModel):
        __module__ = "moto.glue.models"
        kind = "AWS::Glue::Job"

        @staticmethod
        def made(backend: Any, name: str, properties: dict[str, Any]) -> None:
            given = _job_members(properties)
            members = {attribute: given.get(member) for member, attribute in JOB_MEMBERS.items()}
            backend.create_job(name, tags=properties.get("Tags"), **members)

        @staticmethod
        def changed(backend: Any, name: str, properties: dict[str, Any]) -> None:
            update_job(backend.get_job(name), _job_members(properties))

        @staticmethod
        def deleted(backend: Any, name: str) -> None:
            backend.delete_job(name)

    class GlueCrawler(_GlueResource, CloudFormationModel):
        __module__ = "moto.glue.models"
        kind = "AWS::Glue::Crawler"

        @staticmethod
        def made(backend: Any, name: str, properties: dict[str, Any]) -> None:
            given = _crawler_members(properties)
            members = {attribute: given[member] for member, attribute in CRAWLER_MEMBERS.items()}
            backend.create_crawler(name=name, tags=properties.get("Tags"), **members)

        @staticmethod
        def changed(backend: Any, name: str, properties: dict[str, Any]) -> None:
            update_crawler(backend.get_crawler(name), _crawler_members(properties))

        @staticmethod
        def deleted(backend: Any, name: str) -> None:
            backend.delete_crawler(name)


def _crawler_members(properties: dict[str, Any]) -> dict[str, Any]:
    """A template gives the schedule as an object, the API as text."""
    given = {member: properties.get(member) for member in CRAWLER_MEMBERS}
    given["Schedule"] = (properties.get("Schedule") or {}).get("ScheduleExpression")
    return given


def _job_members(properties: dict[str, Any]) -> dict[str, Any]:
    """A template gives numbers as text too; the API has them as numbers."""
    given = dict(properties)
    for name in ("MaxRetries", "AllocatedCapacity", "Timeout", "NumberOfWorkers"):
        if given.get(name) is not None:
            given[name] = int(given[name])
    if given.get("MaxCapacity") is not None:
        given["MaxCapacity"] = float(given["MaxCapacity"])
    given["ExecutionProperty"] = {k: int(v) for k, v in (given.get("ExecutionProperty") or {}).items()}
    given["DefaultArguments"] = {k: str(v) for k, v in (given.get("DefaultArguments") or {}).items()}
    if "GlueVersion" in given:
        given["GlueVersion"] = str(given["GlueVersion"])
    return given


def _mend_roles() -> None:
    from moto.iam.models import Role, iam_backends

    create = Role.create_from_cloudformation_json.__func__

    def attach(role: Any, properties: dict[str, Any]) -> None:
        backend = iam_backends[role.account_id][role.partition]
        wanted = properties.get("ManagedPolicyArns") or []
        for arn in [a for a in role.managed_policies if a not in wanted]:
            backend.detach_role_policy(arn, role.name)
        for arn in [a for a in wanted if a not in role.managed_policies]:
            backend.attach_role_policy(arn, role.name)

    def as_text(policy: Any) -> str:
        return policy if isinstance(policy, str) else json.dumps(policy, default=str)

    def created(cls: Any, *args: Any, **kwargs: Any) -> Any:
        role = create(cls, *args, **kwargs)
        document = args[1] if len(args) > 1 else kwargs["cloudformation_json"]
        for name, policy in role.policies.items():
            role.policies[name] = as_text(policy)
        attach(role, document["Properties"])
        return role

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        properties = cloudformation_json["Properties"]
        if properties.get("RoleName", original_resource.name) != original_resource.name:
            raise AwsError("ValidationError", "the stand-in does not rename roles")
        role = original_resource
        role.assume_role_policy_document = as_text(properties["AssumeRolePolicyDocument"])
        role.description = properties.get("Description", "")
        role.max_session_duration = properties.get("MaxSessionDuration", 3600)
        policies = {p["PolicyName"]: p["PolicyDocument"] for p in properties.get("Policies") or []}
        for name in [n for n in role.policies if n not in policies]:
            role.delete_policy(name)
        for name, policy in policies.items():
            role.put_policy(name, as_text(policy))
        attach(role, properties)
        return role

    delete = Role.delete_from_cloudformation_json.__func__

    def deleted(
        cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        from moto.utilities.utils import get_partition

        backend = iam_backends[account_id][get_partition(region_name)]
        attach(backend.get_role(resource_name), {})
        delete(cls, resource_name, cloudformation_json, account_id, region_name)

    Role.create_from_cloudformation_json = classmethod(created)
    Role.delete_from_cloudformation_json = classmethod(deleted)
    Role.update_from_cloudformation_json = classmethod(updated)


def _mend_functions() -> None:
    from moto.awslambda.models import LambdaFunction

    for name in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        original = getattr(LambdaFunction, name).__func__

        def with_architecture(cls: Any, /, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            function = _original(cls, *args, **kwargs)
            document = kwargs.get("cloudformation_json") or next(a for a in args if isinstance(a, dict))
            function.architectures = document["Properties"].get("Architectures") or ["x86_64"]
            return function

        setattr(LambdaFunction, name, classmethod(with_architecture))


def _mend_log_groups() -> None:
    from moto.logs.models import LogGroup

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        properties = cloudformation_json["Properties"]
        if properties.get("LogGroupName", original_resource.name) != original_resource.name:
            original_resource.delete(account_id, region_name)
            return cls.create_from_cloudformation_json(
                new_resource_name, cloudformation_json, account_id, region_name
            )
        original_resource.set_retention_policy(properties.get("RetentionInDays"))
        return original_resource

    LogGroup.update_from_cloudformation_json = classmethod(updated)
