"""The one line of a failed program's output that says why it failed."""

from __future__ import annotations

import re

_PYTHON = re.compile(r"^(?:[A-Za-z_][\w]*\.)*[A-Z][\w]*(?:Error|Exception|Exit|Interrupt)\b.*")
_JAVA = re.compile(r"^(?:Exception in thread \"[^\"]+\" |Caused by: )?((?:\w+\.)+\w*(?:Exception|Error)\b.*)")


def cause(errors: str, status: int, output: str = "") -> str:
    """Find the cause in what a program wrote.

    :param errors: the end of its stderr.
    :param status: its exit status.
    :param output: the end of its stdout, where spark-submit puts a Python driver's traceback.
    :return: the line of the exception that ended it, else the last line it wrote, else its exit status.
    """
    for text in (errors, output):
        found = _python(text)
        if found:
            return found
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        match = _JAVA.match(line)
        if match:
            return match.group(1)
    if lines:
        return lines[-1]
    return f"exit status {status}" if status >= 0 else f"ended by signal {-status}"


def _python(text: str) -> str | None:
    lines = [line.rstrip() for line in text.splitlines()]
    begins = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not begins:
        return None
    return next((line for line in lines[begins[-1] :] if _PYTHON.match(line)), None)
