"""The stack and the resources in it: there, and healthy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import DATABASE, STATE_MACHINE, Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

CRAWLERS = (
    "mwaa-movielens-curated-crawler-popular-movies",
    "mwaa-movielens-curated-crawler-toprated-movies",
)
GLUE_JOB = "mwaa-movielens-glue-job"
FUNCTIONS = (
    "mwaa-process-movielens",
    "mwaa-checkjob-movielens",
    "mwaa-crawl-movielens",
    "mwaa-movielens-error",
)
ROLES = (
    "CrawlerRole",
    "GlueJobRole",
    "ProcessRole",
    "CheckJobRole",
    "CrawlRole",
    "ErrorRole",
    "StateMachineRole",
)
HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def check_stack(context: Context) -> list[Finding]:
    """Check the stack's state, and that none of its resources is in a failed one."""
    subject = f"stack {context.stack}"
    if context.stack_error == "missing":
        remedy = f"deploy it: {context.deploy}, or name the stack with -n, its region with --region"
        return [broken(subject, f"there is none in {context.aws.region}", remedy)]
    if context.stack_error:
        return [unknown(subject, context.stack_error)]
    status = context.stack_status
    if status.endswith("_IN_PROGRESS"):
        found = [unknown(subject, f"is {status}", "wait for it to end, then check again")]
    elif status in HEALTHY:
        found = [ok(subject, status)]
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        detail = f"its last update failed and was rolled back: {context.stack_reason}".rstrip(": ")
        found = [broken(subject, detail, f"deploy it again: {context.deploy}")]
    else:
        reason = f": {context.stack_reason}" if context.stack_reason else ""
        found = [broken(subject, f"is {status}{reason}", f"deploy it again: {context.deploy}")]
    for name, resource in context.resources.items():
        if "FAILED" in resource["ResourceStatus"]:
            reason = resource.get("ResourceStatusReason", "")
            detail = f"is {resource['ResourceStatus']}: {reason}".rstrip(": ")
            found.append(broken(f"stack resource {name}", detail, f"deploy again: {context.deploy}"))
    return found


def check_resources(context: Context) -> list[Finding]:
    """Ask each service whether the stack's resources are there and in a healthy state."""
    found = [_look(context, f"Glue database {DATABASE}", "glue", "get_database", _there, Name=DATABASE)]
    found += [
        _look(context, f"Glue crawler {name}", "glue", "get_crawler", _crawler, Name=name)
        for name in CRAWLERS
    ]
    found.append(_look(context, f"Glue job {GLUE_JOB}", "glue", "get_job", _job, JobName=GLUE_JOB))
    found += [
        _look(context, f"Lambda function {name}", "lambda", "get_function", _function, FunctionName=name)
        for name in FUNCTIONS
    ]
    arn = (
        f"arn:{context.partition}:states:{context.aws.region}:{context.account}:stateMachine:{STATE_MACHINE}"
    )
    subject = f"state machine {STATE_MACHINE}"
    found.append(
        _look(context, subject, "stepfunctions", "describe_state_machine", _machine, stateMachineArn=arn)
    )
    for logical in ROLES:
        resource = context.resources.get(logical)
        if resource and resource.get("PhysicalResourceId"):
            name = resource["PhysicalResourceId"]
            found.append(_look(context, f"role {name}", "iam", "get_role", _there, RoleName=name))
    return found


def check_buckets(context: Context) -> list[Finding]:
    """Check that both buckets are there, and that MWAA's keeps versions as MWAA demands."""
    found = []
    for key, what in (("MwaaBucket", "MWAA bucket"), ("DataBucket", "data bucket")):
        name = context.buckets.get(key)
        option = "-s" if key == "MwaaBucket" else "-d"
        if not name:
            found.append(unknown(what, "its name is in no stack that can be read", f"name it with {option}"))
            continue
        subject = f"{what} {name}"
        try:
            context.aws.call("s3", "head_bucket", Bucket=name)
            status = ""
            if key == "MwaaBucket":
                status = context.aws.call("s3", "get_bucket_versioning", Bucket=name).get("Status", "off")
        except CallError as error:
            found.append(
                _refused(subject, error, f"create it (aws s3 mb s3://{name}), then: {context.deploy}")
            )
            continue
        if key == "MwaaBucket" and status != "Enabled":
            remedy = (
                f"aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled"
            )
            found.append(broken(subject, f"has versioning {status}; Amazon MWAA needs it enabled", remedy))
        else:
            found.append(ok(subject))
    return found


Judge = Callable[[dict[str, Any]], tuple[bool, str]]


def _look(
    context: Context, subject: str, service: str, operation: str, judge: Judge, **parameters: Any
) -> Finding:
    try:
        healthy, detail = judge(context.aws.call(service, operation, **parameters))
    except CallError as error:
        return _refused(subject, error, f"deploy again: {context.deploy}")
    if healthy:
        return ok(subject, detail)
    return broken(subject, detail, f"deploy again: {context.deploy}")


def _refused(subject: str, error: CallError, remedy: str) -> Finding:
    if error.missing:
        return broken(subject, "does not exist", remedy)
    return unknown(subject, str(error))


def _there(reply: dict[str, Any]) -> tuple[bool, str]:
    return True, ""


def _crawler(reply: dict[str, Any]) -> tuple[bool, str]:
    crawler = reply["Crawler"]
    last = crawler.get("LastCrawl") or {}
    if crawler.get("DatabaseName") != DATABASE:
        return False, f"fills the database {crawler.get('DatabaseName')}, not {DATABASE}"
    if last.get("Status") == "FAILED":
        return False, f"its last crawl failed: {last.get('ErrorMessage', 'no reason given')}"
    return True, crawler.get("State", "")


def _job(reply: dict[str, Any]) -> tuple[bool, str]:
    job = reply["Job"]
    script = job.get("Command", {}).get("ScriptLocation", "")
    if not script.endswith("/scripts/movielens_glue_transform.py"):
        return False, f"runs {script or 'no script'}"
    return True, f"Glue {job.get('GlueVersion', '?')}"


def _function(reply: dict[str, Any]) -> tuple[bool, str]:
    function = reply["Configuration"]
    state, update = function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        reason = function.get("StateReason") or function.get("LastUpdateStatusReason") or "no reason given"
        return False, f"is {state}, last update {update}: {reason}"
    return True, state


def _machine(reply: dict[str, Any]) -> tuple[bool, str]:
    return reply.get("status", "ACTIVE") == "ACTIVE", str(reply.get("status", ""))
