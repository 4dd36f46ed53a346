"""CloudFormation requests: templates in a bucket, capabilities, and updates without changes.

moto does not find a template in a bucket by path (as ``deploy --s3-bucket`` addresses it), checks no
capabilities, refuses a change set without changes instead of making it FAILED, and validates
templates with cfn-lint, which takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.patches.cfn_template import effective_parameters, missing_capability, parse

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Mend the requests."""
    from moto.cloudformation import models, responses
    from moto.core.responses import ActionResult

    response = responses.CloudFormationResponse
    from_s3 = responses.get_stack_from_s3_url

    def template_at(template_url: str, account_id: str, partition: str) -> str:
        from moto.s3.models import s3_backends

        parts = urlparse(template_url)
        if parts.hostname in ("127.0.0.1", "localhost"):
            bucket, _, key = parts.path.lstrip("/").partition("/")
            stored = s3_backends[account_id][partition].get_object(bucket, key)
            if stored is None:
                raise AwsError(
                    "ValidationError", f"S3 error: The specified key does not exist: {template_url}"
                )
            return str(stored.value.decode())
        return str(from_s3(template_url, account_id=account_id, partition=partition))

    def different(self: Any, incoming_params: Any, stack_body: Any, old_stack: Any) -> None:
        if self._get_action() == "CreateChangeSet" or not stack_body:
            return  # a change set without changes is made, and FAILED
        template = parse(stack_body)
        given = self._get_param_values(incoming_params or [], old_stack.stack_parameters)
        old = effective_parameters(template, old_stack.parameters)
        if old_stack.template_dict == template and effective_parameters(template, given) == old:
            raise AwsError("ValidationError", "No updates are to be performed.")

    def capable(name: str) -> None:
        original = getattr(response, name)

        def checked(self: Any) -> Any:
            url = self._get_param("TemplateURL")
            body = self._get_stack_from_s3_url(url) if url else self._get_param("TemplateBody")
            missing = missing_capability(parse(body), self._get_param("Capabilities") or []) if body else None
            if missing:
                raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{missing}]")
            return original(self)

        setattr(response, name, checked)

    def validate(self: Any) -> Any:
        url = self._get_param("TemplateURL")
        template = parse(self._get_stack_from_s3_url(url) if url else self._get_param("TemplateBody"))
        if not isinstance(template, dict) or not template.get("Resources"):
            raise AwsError(
                "ValidationError", "Template format error: At least one Resources member must be defined."
            )
        parameters = [
            {"ParameterKey": name, "DefaultValue": p.get("Default"), "NoEcho": p.get("NoEcho", False)}
            for name, p in (template.get("Parameters") or {}).items()
        ]
        needed = missing_capability(template, [])
        return ActionResult(
            {
                "Description": template.get("Description", ""),
                "Parameters": parameters,
                "Capabilities": [needed] if needed else [],
                "DeclaredTransforms": [],
            }
        )

    responses.get_stack_from_s3_url = models.get_stack_from_s3_url = template_at
    response._validate_different_update = different
    response.validate_template = validate
    for name in ("create_stack", "update_stack", "create_change_set"):
        capable(name)
