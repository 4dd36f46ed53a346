"""The one way to the native core: loaded at the first call that needs it, never at import."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from mwaalib.exceptions import ConnectionSettingsError, InternalError, MwaalibError

if TYPE_CHECKING:
    from types import ModuleType

# Options of [mwaalib] in airflow.cfg that the core takes, and how they are read.
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "budgets": json.loads,
    "not_found_grace": float,
    "jitter": float,
    "call_timeout": float,
    "diagnose_timeout": float,
    "concurrency": int,
}


@cache
def core() -> ModuleType:
    """Return the native module, loaded and configured from `[mwaalib]` of airflow.cfg."""
    try:
        import mwaalib._core as native
    except ImportError as error:
        raise InternalError(
            f"the native part of mwaalib cannot be loaded: {error}. It needs CPython 3.10 or later on Linux "
            "with glibc 2.28 or later; install the wheel made for this platform."
        ) from error
    options = configuration()
    if options:
        try:
            native.configure(json.dumps(options))
        except MwaalibError as error:
            raise ConnectionSettingsError(f"airflow.cfg: [mwaalib]: {error}") from error
    return native


def session(settings: str) -> Any:
    """Return a native session; the same settings give the same session of this process."""
    return core().Session(settings)


def states(kind: str) -> dict[str, list[str]]:
    """Return all states of a kind of job, under `pending`, `success` and `failure`."""
    return json.loads(core().states(kind))


def configuration() -> dict[str, Any]:
    """Return what `[mwaalib]` of airflow.cfg sets for the core.

    :raises ConnectionSettingsError: naming the option that is malformed.
    """
    from mwaalib.compat import conf

    found: dict[str, Any] = {}
    for name, read in _OPTIONS.items():
        text = conf.get("mwaalib", name, fallback=None)
        if not text:
            continue
        try:
            found[name] = read(text)
        except ValueError as error:
            raise ConnectionSettingsError(f"airflow.cfg: [mwaalib] {name}: {text!r}: {error}") from None
    return found
