"""The roles that the DAG's EMR clusters run under."""

from __future__ import annotations

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

SERVICE_ROLE, INSTANCE_ROLE = "EMR_DefaultRole", "EMR_EC2_DefaultRole"


def check_emr_roles(context: Context) -> list[Finding]:
    """Check the service role, the instance role, and the instance profile that carries it."""
    found = [
        _role(context, SERVICE_ROLE, "elasticmapreduce.amazonaws.com"),
        _role(context, INSTANCE_ROLE, "ec2.amazonaws.com"),
    ]
    subject = f"EMR instance profile {INSTANCE_ROLE}"
    try:
        reply = context.aws.call("iam", "get_instance_profile", InstanceProfileName=INSTANCE_ROLE)
        roles = [role["RoleName"] for role in reply["InstanceProfile"]["Roles"]]
    except CallError as error:
        found.append(_refused(context, subject, error))
        return found
    if INSTANCE_ROLE in roles:
        found.append(ok(subject))
    else:
        remedy = (
            f"aws iam add-role-to-instance-profile --instance-profile-name {INSTANCE_ROLE} "
            f"--role-name {INSTANCE_ROLE}"
        )
        found.append(broken(subject, f"holds {', '.join(roles) or 'no role'}, not {INSTANCE_ROLE}", remedy))
    return found


def _role(context: Context, name: str, service: str) -> Finding:
    subject = f"EMR role {name}"
    try:
        role = context.aws.call("iam", "get_role", RoleName=name)["Role"]
    except CallError as error:
        return _refused(context, subject, error)
    trust = str(role.get("AssumeRolePolicyDocument", ""))
    if service.partition(".")[0] + "." not in trust:
        remedy = f"let {service} assume it: aws iam update-assume-role-policy --role-name {name} ..."
        return broken(subject, f"its trust policy does not name {service}", remedy)
    return ok(subject)


def _refused(context: Context, subject: str, error: CallError) -> Finding:
    if error.missing:
        remedy = f"{context.deploy} creates it (or: aws emr create-default-roles)"
        return broken(subject, "does not exist", remedy)
    return unknown(subject, str(error))
