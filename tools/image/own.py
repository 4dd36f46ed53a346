"""The user's own requirements.txt, put behind ours in the one that an environment has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .catalogue import UnsupportedError

PLUGINS = "/usr/local/airflow/plugins"
AIRFLOW_CONSTRAINTS = re.compile(r"https://raw\.githubusercontent\.com/apache/airflow/constraints-")
OPTION = re.compile(
    r"\s*(?P<name>-c|--constraint|-r|--requirement|-f|--find-links|--no-index)\b[=\s]*(?P<value>.*)"
)
OURS = re.compile(r"\s*(mwaalib(?![\w.-])|[\"']?\S*/mwaalib-[^/]*\.whl|# Amazon MWAA \S+: Airflow )")
NAMES = {"-c": "--constraint", "-r": "--requirement", "-f": "--find-links"}


@dataclass(frozen=True)
class OwnLines:
    """What becomes of the user's lines.

    :param kept: the lines that are added to ours.
    :param dropped: what was left out, each with the reason.
    """

    kept: list[str]
    dropped: list[str]


def read(path: Path, offline: bool) -> OwnLines:
    """Return the lines of the user's requirements that go behind ours.

    :param path: the user's file.
    :param offline: whether they are for an environment without internet access.
    :raises UnsupportedError: if the file cannot be read, or names a file that is not there on Amazon MWAA.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnsupportedError(f"Your requirements file cannot be read: {error}") from error
    kept, dropped = [], []
    for number, line in enumerate(lines, 1):
        reason = _reason(line, f"{path}:{number}", offline)
        if reason is None:
            kept.append(line.rstrip())
        elif reason:
            dropped.append(f"{path}:{number}: left out {line.strip()!r}: {reason}")
    return OwnLines(kept, dropped)


def _reason(line: str, place: str, offline: bool) -> str | None:
    """Return why a line is left out, empty where ours says the same, or None for a line to keep."""
    if OURS.match(line):
        return "" if line.lstrip().startswith("#") else "the wheel in plugins.zip is asked for"
    found = OPTION.match(line)
    if found is None:
        return None
    name = NAMES.get(found["name"], found["name"])
    value = re.sub(r"\s+#.*", "", found["value"]).strip().strip("\"'")
    remote = re.match(r"https?:", value) is not None
    if name == "--no-index":
        return "" if offline else None
    if name == "--find-links" and value.rstrip("/") == PLUGINS:
        return ""
    if name == "--constraint" and AIRFLOW_CONSTRAINTS.match(value):
        return "the constraints are those of the chosen Airflow"
    if remote and offline:
        return "it cannot be reached without internet access"
    if remote or value.startswith("/usr/local/airflow/"):
        return None
    raise UnsupportedError(
        f"{place}: {line.strip()!r} names a file that Amazon MWAA does not have. Put its lines here, or the "
        f"file into your plugins folder and {PLUGINS}/ before its name."
    )
