"""Counters of the native core: calls, retries, throttles, waits.

`snapshot` gives them to Python. They also go to Airflow's metrics as `mwaalib.<counter>`: from the
triggerer while it waits, from a task once its wait is over.
"""

from __future__ import annotations

import json
import logging
import numbers
import os
import time
from collections.abc import Iterator
from typing import Any

from mwaalib import _native
from mwaalib.compat import stats

# Seconds between two publications of one process.
INTERVAL = 30.0
# What goes up and down, and is sent as gauge. All else only grows: its growth is sent, so that the
# counters of all processes add up.
LEVELS = {
    "mwaalib.waits_active",
    "mwaalib.pollers",
    "mwaalib.stretched",
    "mwaalib.batch_size",
    "mwaalib.poll_lag.max",
}

log = logging.getLogger(__name__)

_published_at = 0.0
_published: dict[str, float] = {}


def snapshot() -> dict[str, Any]:
    """Return the counters of this process, summed since its start."""
    return json.loads(_native.core().metrics())


def flat(counters: dict[str, Any], prefix: str = "mwaalib") -> Iterator[tuple[str, float]]:
    """Yield nested counters under dotted names, in characters that Airflow's metrics allow.

    :param counters: Counters, as `snapshot` returns them.
    :param prefix: First part of every name.
    """
    for name, value in counters.items():
        path = f"{prefix}.{name.replace(':', '.')}"
        if isinstance(value, dict):
            yield from flat(value, path)
        elif isinstance(value, numbers.Real):
            yield path, float(value)


def publish() -> bool:
    """Send the counters to Airflow's metrics, at most once per `INTERVAL`.

    :return: Whether they were sent.
    """
    global _published_at
    now = time.monotonic()
    if _published_at and now - _published_at < INTERVAL:
        return False
    _published_at = now
    try:
        client = stats()
        if client is None:
            return False
        _send(client, dict(flat(snapshot())))
    except Exception:  # metrics must never disturb a wait
        log.debug("Metrics could not be published", exc_info=True)
        return False
    return True


def _send(client: Any, counters: dict[str, float]) -> None:
    for name, value in counters.items():
        if name in LEVELS:
            client.gauge(name, value)
            continue
        growth = value - _published.get(name, 0.0)
        if growth > 0:
            client.incr(name, int(growth) if growth.is_integer() else growth)
            _published[name] = value


def _forget() -> None:
    # A forked child counts from nothing.
    global _published_at
    _published_at = 0.0
    _published.clear()


os.register_at_fork(after_in_child=_forget)
