"""What a check has found out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Status(str, Enum):
    """Outcome of one check."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    NOTE = "note"  # something lacks that the pipeline runs without


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    :param subject: what was looked at.
    :param status: the outcome.
    :param detail: what was seen.
    :param remedy: what to do about it; empty where nothing is to be done.
    """

    subject: str
    status: Status
    detail: str = ""
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        return {**asdict(self), "status": self.status.value}


def ok(subject: str, detail: str = "") -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, Status.OK, detail)


def broken(subject: str, detail: str, remedy: str) -> Finding:
    """Return a finding that something is wrong, with its remedy."""
    return Finding(subject, Status.BROKEN, detail, remedy)


def unknown(subject: str, detail: str, remedy: str = "") -> Finding:
    """Return a finding that could not be made."""
    return Finding(subject, Status.UNKNOWN, detail, remedy)


def note(subject: str, detail: str, remedy: str = "") -> Finding:
    """Return a finding that something lacks which the pipeline runs without."""
    return Finding(subject, Status.NOTE, detail, remedy)
