"""Drives EMR, Glue and Step Functions work into the state that a test wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def drive(
    runtime: Runtime,
    kind: str,
    id: str,
    state: str,
    parent: str | None = None,
    message: str = "",
    error: str = "",
    output: Any = None,
    region: str = "us-east-1",
) -> None:
    """Put one piece of work into a state, which it then keeps.

    :param kind: ``emr_job_flow``, ``emr_step``, ``glue_job_run``, ``glue_crawler``,
        ``sfn_execution``, ``ssm_command`` or ``mwaa_environment``.
    :param id: cluster id, step id, run id, crawler name or execution ARN.
    :param parent: cluster id of a step; instance id of a command, all its instances when None.
    :param message: the failure's message or cause.
    :param error: an execution's error name.
    :param output: an execution's output.
    :raises LookupError: no such work.
    :raises ValueError: an unknown kind.
    """
    if kind == "emr_job_flow":
        runtime.clusters.get(id).drive(state)
    elif kind == "emr_step":
        runtime.clusters.get(parent or "").drive_step(id, state, message)
    elif kind == "glue_job_run":
        run = runtime.job_runs.get(id)
        if run is None:
            raise LookupError(f"no such job run: {id}")
        run.drive(state, message)
    elif kind == "glue_crawler":
        runtime.crawls.get(_crawler(runtime, id, region)).drive(state, message)
    elif kind == "sfn_execution":
        _execution(runtime, id, state, error, message, output, region)
    elif kind == "ssm_command":
        runtime.commands.drive(id, state, parent, message)
    elif kind == "mwaa_environment":
        runtime.environments.drive(id, region, state, message)
    else:
        raise ValueError(f"unknown kind of work: {kind!r}")


def _crawler(runtime: Runtime, name: str, region: str) -> Any:
    from moto.glue.models import glue_backends

    crawlers = glue_backends[runtime.settings.account][region].crawlers
    if name not in crawlers:
        raise LookupError(f"no such crawler: {name}")
    return crawlers[name]


def _execution(
    runtime: Runtime, arn: str, state: str, error: str, cause: str, output: Any, region: str
) -> None:
    from moto.core.utils import utcnow
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    backend = stepfunctions_parser_backends[runtime.settings.account][region]
    execution = backend.describe_execution(arn)
    worker = execution.exec_worker
    execution.driven = True
    execution.exec_status = ExecutionStatus(state)
    if state != "RUNNING":
        execution.stop_date = utcnow()
        if worker and worker.env:
            worker.stop(execution.stop_date, error or None, cause or None)
    execution.error, execution.cause = error or None, cause or None
    execution.output = json.loads(json.dumps(output))
