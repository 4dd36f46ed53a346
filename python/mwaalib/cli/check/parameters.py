"""The SSM parameters that the DAG reads: set, and naming what is really there."""

from __future__ import annotations

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import STATE_MACHINE, Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown
from mwaalib.cli.check.stack import GLUE_JOB

DATA_BUCKET, MWAA_BUCKET = "/mwaa/S3/DemoBucket", "/mwaa/S3/mwaaBucket"
MACHINE, JOB = "/mwaa/sfn/movielens", "/mwaa/glue/movielens"


def check_parameters(context: Context) -> list[Finding]:
    """Check each parameter against the stack, the buckets and the names of the resources."""
    machine = (
        f"arn:{context.partition}:states:{context.aws.region}:{context.account}:stateMachine:{STATE_MACHINE}"
    )
    expected = {
        DATA_BUCKET: context.buckets.get("DataBucket"),
        MWAA_BUCKET: context.buckets.get("MwaaBucket"),
        MACHINE: machine,
        JOB: GLUE_JOB,
    }
    try:
        reply = context.aws.call("ssm", "get_parameters", Names=list(expected))
    except CallError as error:
        return [unknown(f"SSM parameter {name}", str(error)) for name in expected]
    values = {entry["Name"]: entry["Value"] for entry in reply["Parameters"]}
    found = []
    for name, wanted in expected.items():
        subject = f"SSM parameter {name}"
        value = values.get(name)
        remedy = f"deploy again: {context.deploy}"
        if wanted:
            remedy = f"aws ssm put-parameter --overwrite --type String --name {name} --value {wanted}"
        if value is None:
            found.append(broken(subject, "is not set", remedy))
        elif not value.strip():
            found.append(broken(subject, "is empty", remedy))
        elif wanted and value != wanted:
            found.append(broken(subject, f"is {value}, but the deployment has {wanted}", remedy))
        elif wanted is None:
            found.append(unknown(subject, f"is {value}; what it should be is not known"))
        else:
            found.append(ok(subject, value))
    return found
