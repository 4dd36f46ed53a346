"""The one file that knows Airflow 2 from Airflow 3.

Everything heavy is reached through a function, so that importing an operator costs little more than
Airflow's own import.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, Context
    from airflow.sdk.configuration import conf
    from airflow.sdk.definitions._internal.mixins import ResolveMixin
    from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSensorTimeout,
    )
    from airflow.sdk.types import TaskInstanceKey
else:

    def _first(name: str, *modules: str) -> Any:
        """Return `name` from the first module that has it; newest Airflow first."""
        for module in modules:
            try:
                return getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError):
                continue
        from importlib.metadata import version

        raise ImportError(
            f"mwaalib needs Airflow 2.9 or later; this is Airflow {version('apache-airflow')}, which has no {name} "
            f"(looked in {', '.join(modules)})"
        )

    BaseOperator = _first("BaseOperator", "airflow.sdk", "airflow.models.baseoperator")
    BaseSensorOperator = _first("BaseSensorOperator", "airflow.sdk", "airflow.sensors.base")
    BaseHook = _first("BaseHook", "airflow.sdk", "airflow.hooks.base")
    BaseOperatorLink = _first("BaseOperatorLink", "airflow.sdk", "airflow.models.baseoperatorlink")
    conf = _first("conf", "airflow.sdk.configuration", "airflow.configuration")

    # What Airflow resolves in template fields; from 3.1 on anything with a `resolve` method is.
    ResolveMixin = _first("ResolveMixin", "airflow.sdk.definitions._internal.mixins", "airflow.utils.mixins")

    _TYPES = ("airflow.sdk.definitions._internal.types", "airflow.utils.types")
    NOTSET = _first("NOTSET", *_TYPES)
    ArgNotSet = _first("ArgNotSet", *_TYPES)

    _EXCEPTIONS = ("airflow.sdk.exceptions", "airflow.exceptions")
    AirflowException = _first("AirflowException", *_EXCEPTIONS)
    AirflowFailException = _first("AirflowFailException", *_EXCEPTIONS)
    AirflowNotFoundException = _first("AirflowNotFoundException", *_EXCEPTIONS)
    AirflowSensorTimeout = _first("AirflowSensorTimeout", *_EXCEPTIONS)

__all__ = [
    "NOTSET",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSensorTimeout",
    "ArgNotSet",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Context",
    "ResolveMixin",
    "TaskInstanceKey",
    "airflow_version",
    "conf",
    "default_deferrable",
    "is_arg_set",
    "mask_secret",
    "provider_deprecation_warning",
    "stats",
    "xcom_value",
]


def is_arg_set(value: Any) -> bool:
    """Return whether an argument with the default `NOTSET` was given."""
    return value is not NOTSET


@cache
def default_deferrable() -> bool:
    """Return `[operators] default_deferrable` of airflow.cfg, read when the first operator is imported."""
    return conf.getboolean("operators", "default_deferrable", fallback=False)


@cache
def airflow_version() -> tuple[int, ...]:
    """Return the version of the running Airflow as (major, minor, patch)."""
    from airflow import __version__

    return tuple(int(part) for part in __version__.split(".")[:3] if part.isdigit())


def mask_secret(value: str) -> None:
    """Hide a value in every log of this task."""
    for module in (
        "airflow.sdk.log",
        "airflow.sdk.execution_time.secrets_masker",
        "airflow.utils.log.secrets_masker",
    ):
        try:
            masker = importlib.import_module(module).mask_secret
        except (ImportError, AttributeError):
            continue
        masker(value)
        return


@cache
def stats() -> Any:
    """Return Airflow's metrics client, or None when this process cannot reach one."""
    for module in ("airflow.sdk.observability.stats", "airflow.observability.stats", "airflow.stats"):
        try:
            found = importlib.import_module(module)
        except ImportError:
            continue
        client = getattr(found, "Stats", None) or getattr(found, "stats", None)
        if client is not None:
            return client
    return None


def xcom_value(key: str, ti_key: TaskInstanceKey) -> Any:
    """Return the XCom of a task instance by its key, or None."""
    for module in ("airflow.sdk.execution_time.xcom", "airflow.models.xcom"):
        try:
            xcom = importlib.import_module(module).XCom
        except (ImportError, AttributeError):
            continue
        return xcom.get_value(key=key, ti_key=ti_key)
    return None


def provider_deprecation_warning() -> type[Warning]:
    """Return the warning class by which providers announce what will go away."""
    from airflow.exceptions import AirflowProviderDeprecationWarning

    return AirflowProviderDeprecationWarning
