"""What pip wrote when the environment started: Amazon MWAA logs its failure and starts Airflow all the same."""

from __future__ import annotations

import re

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

PREFIX = "requirements_install_ip"
FATAL = re.compile(r"(^|\s)(ERROR|error): ")
# pip goes on after these.
HARMLESS = re.compile(r"pip's dependency resolver|which is incompatible|requires .* but you have")
INSTALLED = re.compile(r"Successfully installed .*\bmwaalib-|Requirement already satisfied: mwaalib\b")
REMEDY = "mend what it names, make mwaa again, then: setup/deploy.sh ... -e {environment}"


def check_install_log(context: Context) -> list[Finding]:
    """Read the newest log of pip in the environment."""
    if context.environment_name is None or not context.environment:
        return []  # said by the check of the environment
    subject = f"MWAA environment {context.environment_name}, pip's log"
    settings = context.environment.get("LoggingConfiguration", {}).get("SchedulerLogs", {})
    group = str(settings.get("CloudWatchLogGroupArn") or "").removesuffix(":*").partition(":log-group:")[2]
    group = group or f"airflow-{context.environment_name}-Scheduler"
    try:
        streams = context.aws.pages(
            "logs", "describe_log_streams", "logStreams", logGroupName=group, logStreamNamePrefix=PREFIX
        )
        if not streams:
            raise CallError(
                "logs:DescribeLogStreams", "NotFound", f"no stream {PREFIX}... does exist in {group}"
            )
        newest = max(streams, key=lambda s: s.get("lastEventTimestamp", s.get("creationTime", 0)))
        events = context.aws.call(
            "logs",
            "get_log_events",
            logGroupName=group,
            logStreamName=newest["logStreamName"],
            startFromHead=False,
        )["events"]
    except CallError as error:
        if error.missing:
            remedy = "turn its scheduler logs on (level INFO); they begin with the next update"
            return [unknown(subject, f"there is no stream {PREFIX}... in the log group {group}", remedy)]
        return [unknown(subject, str(error))]
    lines = [line for event in events for line in event["message"].splitlines()]
    return [_judge(context, subject, f"{group}, {newest['logStreamName']}", lines)]


def _judge(context: Context, subject: str, place: str, lines: list[str]) -> Finding:
    faults = [i for i, line in enumerate(lines) if FATAL.search(line) and not HARMLESS.search(line)]
    done = [i for i, line in enumerate(lines) if INSTALLED.search(line)]
    if faults and (not done or max(done) < max(faults)):
        last = "; ".join(lines[i].strip() for i in faults[-3:])
        remedy = REMEDY.format(environment=context.environment_name)
        return broken(subject, f"pip failed, so Airflow runs without mwaalib: {last} ({place})", remedy)
    if done:
        return ok(subject, place)
    return unknown(subject, f"it names neither mwaalib nor an error ({place})", f"read it: {place}")
