"""Airflow's `aws` connection, turned into the settings of a native session.

The default connection id `aws_default` may be missing: a DAG that names no connection then uses the
default chain (environment, profile, web identity, container, instance metadata), as on a fresh
Amazon MWAA environment. Any other id that does not exist is an error, never a silent fall to other
credentials.
"""

from __future__ import annotations

import logging
from typing import Any

from mwaalib.compat import AirflowNotFoundException, BaseHook, conf
from mwaalib.exceptions import ConnectionNotFoundError, ConnectionSettingsError

DEFAULT_CONN_ID = "aws_default"

log = logging.getLogger(__name__)

# Names of services in boto3 that a session has a client for -> their names in the core.
SERVICES = {
    "emr": "emr",
    "stepfunctions": "sfn",
    "sfn": "sfn",
    "glue": "glue",
    "ssm": "ssm",
    "s3": "s3",
    "logs": "logs",
    "sts": "sts",
    "iam": "iam",
}


def fetch(conn_id: str | None) -> Any:
    """Return the Airflow connection, or None where the default chain is meant.

    :param conn_id: Connection id; None or empty means the default chain.
    :raises ConnectionNotFoundError: when an id other than `aws_default` does not exist.
    """
    if not conn_id:
        return None
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        if conn_id == DEFAULT_CONN_ID:
            log.info("Connection %r does not exist: using the default credential chain.", conn_id)
            return None
        raise ConnectionNotFoundError(
            f"connection {conn_id!r} does not exist. Create it, or set aws_conn_id=None to use the default "
            "credential chain (environment, profile, web identity, container, instance metadata)."
        ) from error


def unknown_parameters() -> str:
    """Return what becomes of request members that mwaalib does not know: `refuse` or `warn`."""
    chosen = conf.get("mwaalib", "unknown_parameters", fallback=None) or "refuse"
    if chosen not in ("refuse", "warn"):
        raise ConnectionSettingsError(
            f"airflow.cfg: [mwaalib] unknown_parameters: expected refuse or warn, got {chosen!r}"
        )
    return chosen


def resolve(
    conn_id: str | None,
    *,
    region_name: str | None = None,
    verify: bool | str | None = None,
    config: Any = None,
    service: str | None = None,
) -> str:
    """Return the settings of a session as JSON.

    Makes no call to AWS. Asks Airflow for the connection, so not for the event loop of a triggerer.

    :param conn_id: Airflow connection id; None or empty means the default chain.
    :param region_name: Region, over that of the connection.
    :param verify: True, False or the path of a CA file, over that of the connection.
    :param config: Options of a botocore client as dict (or a botocore `Config`), instead of the
        connection's `config_kwargs`.
    :param service: boto3 name of the service, to find its `service_config`.
    :raises ConnectionSettingsError: when the connection is missing or cannot be used as written.
    """
    # Not with the operators: a DAG file is parsed every few seconds and reads no connection.
    from mwaalib.connection.settings import from_connection

    return from_connection(
        fetch(conn_id), region_name=region_name, verify=verify, config=config, service=service
    )
