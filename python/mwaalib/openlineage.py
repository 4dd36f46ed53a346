"""OpenLineage parent and transport information for Spark jobs, where its provider is installed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from mwaalib.compat import conf
from mwaalib.job import Log

if TYPE_CHECKING:
    from mwaalib.compat import Context

_PARENT = "spark.openlineage.parent"
_TRANSPORT = "spark.openlineage.transport"


def inject_parent_default() -> bool:
    """Return `[openlineage] spark_inject_parent_job_info` of airflow.cfg."""
    return conf.getboolean("openlineage", "spark_inject_parent_job_info", fallback=False)


def inject_transport_default() -> bool:
    """Return `[openlineage] spark_inject_transport_info` of airflow.cfg."""
    return conf.getboolean("openlineage", "spark_inject_transport_info", fallback=False)


def parent_properties(context: Context, log: Log) -> dict[str, str]:
    """Return the Spark properties that name this task as a job's parent, empty without OpenLineage.

    :param context: Context of the running task.
    :param log: The task's log, told why they are missing.
    """
    try:
        from airflow.providers.openlineage.utils.spark import (  # type: ignore[import-not-found,unused-ignore]
            inject_parent_job_information_into_spark_properties,
        )
    except ImportError:
        log.warning("OpenLineage's provider is not installed: the job will not name its parent")
        return {}
    return dict(inject_parent_job_information_into_spark_properties({}, context))


def transport_properties(context: Context, log: Log) -> dict[str, str]:
    """Return the Spark properties that send a job's events where Airflow's go, empty without OpenLineage.

    :param context: Context of the running task.
    :param log: The task's log, told why they are missing.
    """
    try:
        from airflow.providers.openlineage.utils.spark import (  # type: ignore[import-not-found,unused-ignore]
            inject_transport_information_into_spark_properties,
        )
    except ImportError:
        log.warning("OpenLineage's provider is not installed: the job will not know where events go")
        return {}
    return dict(inject_transport_information_into_spark_properties({}, context))


def inject_into_steps(steps: list[dict[str, Any]], context: Context, log: Log) -> list[dict[str, Any]]:
    """Return EMR steps whose spark-submit commands name this task as parent.

    :param steps: Steps as boto3 takes them; not changed.
    :param context: Context of the running task.
    :param log: The task's log.
    """
    properties = parent_properties(context, log)
    if not properties:
        return steps
    options = [part for name, value in properties.items() for part in ("--conf", f"{name}={value}")]
    result = copy.deepcopy(steps)
    for step in result:
        jar = step.get("HadoopJarStep", {})
        arguments = jar.get("Args", [])
        if jar.get("Jar", "").rsplit("/", 1)[-1] != "command-runner.jar" or not arguments:
            continue
        if arguments[0].rsplit("/", 1)[-1] not in ("spark-submit", "run-example"):
            continue
        if any(_PARENT in argument for argument in arguments):
            log.info("Step %r names an OpenLineage parent already", step.get("Name"))
            continue
        jar["Args"] = [arguments[0], *options, *arguments[1:]]
    return result


def inject_into_glue_arguments(
    arguments: dict[str, Any], context: Context, log: Log, *, parent: bool, transport: bool
) -> dict[str, Any]:
    """Return Glue arguments whose `--conf` carries OpenLineage's properties.

    Glue takes a single `--conf`, so that further properties are chained inside its value.

    :param arguments: Arguments of the run; not changed.
    :param context: Context of the running task.
    :param log: The task's log.
    :param parent: Whether to name this task as parent.
    :param transport: Whether to say where events go.
    """
    existing = str(arguments.get("--conf", ""))
    properties: dict[str, str] = {}
    if parent and _PARENT not in existing:
        properties.update(parent_properties(context, log))
    if transport and _TRANSPORT not in existing:
        properties.update(transport_properties(context, log))
    if not properties:
        return arguments
    chain = [existing] if existing else []
    chain += [f"{name}={value}" for name, value in properties.items()]
    return {**arguments, "--conf": " --conf ".join(chain)}
