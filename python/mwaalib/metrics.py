"""Counters of the native core: calls, retries, throttles, waits.

`snapshot` gives them to Python. In the triggerer they also go to Airflow's metrics, as
`mwaalib.<counter>`.
"""

from __future__ import annotations

import json
import logging
import numbers
import time
from collections.abc import Iterator
from typing import Any

from mwaalib import _native
from mwaalib.compat import stats

# Seconds between two publications of one process.
INTERVAL = 30.0

log = logging.getLogger(__name__)

_published_at = 0.0


def snapshot() -> dict[str, Any]:
    """Return the counters of this process, summed since its start."""
    return json.loads(_native.core().metrics())


def flat(counters: dict[str, Any], prefix: str = "mwaalib") -> Iterator[tuple[str, float]]:
    """Yield nested counters under dotted names.

    :param counters: Counters, as `snapshot` returns them.
    :param prefix: First part of every name.
    """
    for name, value in counters.items():
        path = f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from flat(value, path)
        elif isinstance(value, numbers.Real):
            yield path, float(value)


def publish() -> bool:
    """Send the counters to Airflow's metrics as gauges, at most once per `INTERVAL`.

    :return: Whether they were sent.
    """
    global _published_at
    now = time.monotonic()
    if _published_at and now - _published_at < INTERVAL:
        return False
    client = stats()
    if client is None:
        return False
    _published_at = now
    try:
        for name, value in flat(snapshot()):
            client.gauge(name, value)
    except Exception:  # metrics must never disturb a wait
        log.debug("Metrics could not be published", exc_info=True)
        return False
    return True
