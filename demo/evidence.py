"""What Airflow's own task logs say: which tasks were deferred and resumed, and why a task failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

TRIGGER_STARTING = re.compile(r"trigger .* starting")
DEFERRED = "Pausing task as DEFERRED"
FIRED = "Trigger fired event"


@dataclass
class Deferral:
    """One wait of a task in the triggerer.

    :param task: the task's id.
    :param started: when the triggerer began it.
    :param fired: when it handed the task back; None if it never did.
    :param event: what it handed over.
    :param resumed: whether the task went on afterwards.
    :param log: the triggerer's log of it.
    """

    task: str
    started: datetime
    fired: datetime | None
    event: str
    resumed: bool
    log: Path


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of one of Airflow's structured logs; other lines are passed over."""
    for line in path.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def moment(entry: dict[str, Any]) -> datetime:
    """Return the time of a log entry."""
    return datetime.fromisoformat(str(entry["timestamp"]).replace("Z", "+00:00"))


def deferrals(folder: Path, task: str) -> list[Deferral]:
    """Return a task's waits in the triggerer.

    :param folder: the task's log directory.
    :param task: its id.
    """
    found = []
    for path in sorted(folder.glob("attempt=*.log.trigger.*.log")):
        own_log = folder / path.name.split(".trigger.")[0]
        own = list(entries(own_log)) if own_log.exists() else []
        started, current = None, list(entries(path))
        for entry in current:
            text = str(entry.get("event", ""))
            if TRIGGER_STARTING.fullmatch(text):
                started = moment(entry)
            elif text == FIRED and started is not None:
                fired = moment(entry)
                resumed = any(moment(e) > fired for e in own if "timestamp" in e)
                found.append(Deferral(task, started, fired, str(entry.get("result", "")), resumed, path))
                started = None
        if started is not None:
            found.append(Deferral(task, started, None, "", False, path))
    return sorted(found, key=lambda d: d.started)


def failure(folder: Path) -> str | None:
    """Return the error that a task failed with, as its own last log has it; None if it logged none.

    :param folder: the task's log directory.
    """
    logs = sorted(p for p in folder.glob("attempt=*.log") if ".trigger." not in p.name)
    for path in reversed(logs):
        for entry in reversed(list(entries(path))):
            if entry.get("level") not in ("error", "critical"):
                continue
            details = entry.get("error_detail") or []
            if details:
                return f"{details[0].get('exc_type')}: {details[0].get('exc_value')}"
            if entry.get("event"):
                return str(entry["event"])
    return None
