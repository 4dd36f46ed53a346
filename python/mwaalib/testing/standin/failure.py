"""The one line of a failed program's output that says why it failed."""

from __future__ import annotations

import re

_PYTHON = re.compile(r"^(?:[A-Za-z_][\w]*\.)*[A-Z][\w]*(?:Error|Exception|Exit|Interrupt)\b.*")
_JAVA = re.compile(r"^(?:Exception in thread \"[^\"]+\" |Caused by: )?((?:\w+\.)+\w*(?:Exception|Error)\b.*)")


def cause(text: str, status: int) -> str:
    """Find the cause in a program's stderr.

    :param text: what it wrote to stderr.
    :param status: its exit status.
    :return: the line of the exception that ended it, else the last line it wrote, else its exit status.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    after_traceback = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    if after_traceback:
        for line in lines[after_traceback[-1] :]:
            if _PYTHON.match(line):
                return line
    for line in reversed(lines):
        found = _JAVA.match(line)
        if found:
            return found.group(1)
    if lines:
        return lines[-1]
    return f"exit status {status}" if status >= 0 else f"ended by signal {-status}"
