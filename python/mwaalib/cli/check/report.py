"""The findings as a table or as JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections import Counter
from typing import Any

from mwaalib.cli.check.finding import Finding, Status

MARKS = {
    Status.OK: ("✓", "32"),
    Status.BROKEN: ("✗", "31"),
    Status.UNKNOWN: ("?", "33"),
    Status.NOTE: ("!", "36"),
}
WORDS = {
    Status.OK: "ok",
    Status.BROKEN: "broken",
    Status.UNKNOWN: "could not tell",
    Status.NOTE: "to note",
}


def as_json(findings: list[Finding], head: dict[str, Any]) -> str:
    """Return the report for machines."""
    counts = Counter(finding.status.value for finding in findings)
    body = {
        **head,
        "summary": {status.value: counts[status.value] for status in Status},
        "findings": [finding.to_dict() for finding in findings],
    }
    return json.dumps(body, indent=2)


def as_table(findings: list[Finding]) -> str:
    """Return the report for people: a line for each finding, with the remedy beside what is broken."""
    width = min(max((len(finding.subject) for finding in findings), default=0), 62)
    columns = max(shutil.get_terminal_size((140, 24)).columns, 80)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    lines = []
    for finding in findings:
        mark, code = MARKS[finding.status]
        shown = f"\x1b[{code}m{mark}\x1b[0m" if colour else mark
        detail = finding.detail
        if finding.status is Status.UNKNOWN:
            detail = f"could not tell: {detail}"
        lines.append(f"{shown} {finding.subject:<{width}}  {detail}".rstrip())
        if finding.remedy:
            room = max(columns - width - 6, 40)
            wrapped = textwrap.wrap(finding.remedy, room, break_long_words=False, break_on_hyphens=False)
            lines += [" " * (width + 4) + ("→ " if not i else "  ") + part for i, part in enumerate(wrapped)]
    counts = Counter(finding.status for finding in findings)
    lines.append("")
    lines.append(", ".join(f"{counts[status]} {WORDS[status]}" for status in Status))
    return "\n".join(lines)
