"""The jobs that are waited for: how the stub names them, and each side's trigger for them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from benches.endpoint import ACCOUNT, REGION, Endpoint

# Far enough away that no measurement reaches it.
HOUR = 3600


@dataclass(frozen=True)
class Job:
    """One job: `kind` as the stub and the core call it, `parent`, `id`."""

    kind: str
    parent: str
    id: str


@dataclass(frozen=True)
class Kind:
    """A kind of job in the stub's words and in the core's."""

    stub: str
    core: str
    running: str
    success: str


KINDS = {
    "sfn": Kind("sfn", "sfn_execution", "RUNNING", "SUCCEEDED"),
    "glue": Kind("glue", "glue_job_run", "RUNNING", "SUCCEEDED"),
    "emr_step": Kind("emr_step", "emr_step", "RUNNING", "COMPLETED"),
    "crawler": Kind("crawler", "glue_crawler", "RUNNING", "READY"),
}


def make(endpoint: Endpoint, kind: str, count: int, parents: int = 1) -> list[Job]:
    """Register `count` running jobs, spread over `parents`, and return them."""
    jobs: list[Job] = []
    for place in range(parents):
        parent, ids = _names(kind, place, count // parents)
        endpoint.register(kind, parent, ids, KINDS[kind].running)
        jobs += [Job(kind, parent, name) for name in ids]
    return jobs


def _names(kind: str, place: int, count: int) -> tuple[str, list[str]]:
    numbers = range(count)
    if kind == "sfn":
        prefix = f"arn:aws:states:{REGION}:{ACCOUNT}"
        return f"{prefix}:stateMachine:m{place}", [f"{prefix}:execution:m{place}:e{n}" for n in numbers]
    if kind == "glue":
        return f"job{place}", [f"jr_{place:04x}{n:060x}" for n in numbers]
    if kind == "emr_step":
        return f"j-{place:013d}", [f"s-{place:03d}{n:010d}" for n in numbers]
    # Crawlers have no parent: the stub keeps them all under the empty name.
    return "", [f"crawler-{n}" for n in numbers]


def trigger(side: str, job: Job, delay: int) -> Any:
    """Return the trigger with which `side` waits for `job`, polling every `delay` seconds."""
    return _mwaalib(job, delay) if side == "mwaalib" else _incumbent(job, delay)


def _mwaalib(job: Job, delay: int) -> Any:
    from mwaalib.triggers.wait import WaitTrigger

    wait = {
        "kind": KINDS[job.kind].core,
        "parent": job.parent or None,
        "ids": [job.id],
        "delay": delay,
        "deadline": time.time() + HOUR,
    }
    return WaitTrigger(wait=wait, aws_conn_id="aws_default", region_name=REGION)


def _incumbent(job: Job, delay: int) -> Any:
    from airflow.providers.amazon.aws.triggers.emr import EmrAddStepsTrigger
    from airflow.providers.amazon.aws.triggers.glue import GlueJobCompleteTrigger
    from airflow.providers.amazon.aws.triggers.glue_crawler import GlueCrawlerCompleteTrigger
    from airflow.providers.amazon.aws.triggers.step_function import StepFunctionsExecutionCompleteTrigger

    common: dict[str, Any] = {
        "waiter_delay": delay,
        "waiter_max_attempts": HOUR // delay,
        "aws_conn_id": "aws_default",
    }
    if job.kind == "sfn":
        return StepFunctionsExecutionCompleteTrigger(execution_arn=job.id, region_name=REGION, **common)
    if job.kind == "glue":
        return GlueJobCompleteTrigger(
            job_name=job.parent, run_id=job.id, verbose=False, region_name=REGION, **common
        )
    if job.kind == "emr_step":
        return EmrAddStepsTrigger(job_flow_id=job.parent, step_ids=[job.id], **common)
    return GlueCrawlerCompleteTrigger(crawler_name=job.id, region_name=REGION, **common)
