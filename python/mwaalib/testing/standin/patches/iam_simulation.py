"""IAM: SimulatePrincipalPolicy, which moto does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.policies import decide, documents_of

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Add the operation."""
    from moto.iam.responses import IamResponse

    IamResponse.simulate_principal_policy = _simulate


def _simulate(self: Any) -> Any:
    from moto.core.responses import ActionResult

    arn = self._get_param("PolicySourceArn")
    role = next((r for r in self.backend.roles.values() if r.arn == arn), None)
    if role is None:
        raise AwsError("NoSuchEntity", f"The principal {arn} cannot be found.", status=404)
    documents = documents_of(self.backend, role)
    context = {
        entry["ContextKeyName"]: [str(value) for value in entry.get("ContextKeyValues", [])]
        for entry in self._get_param("ContextEntries") or []
    }
    resources = self._get_param("ResourceArns") or ["*"]
    results = []
    for action in self._get_param("ActionNames"):
        decisions = [decide(documents, action, resource, context) for resource in resources]
        worst = next((d for d in ("explicitDeny", "implicitDeny") if d in decisions), "allowed")
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": resources[0],
                "EvalDecision": worst,
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
        )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})
