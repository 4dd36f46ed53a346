"""The messages that the documentation quotes are in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("python", "src", "core/src", "setup", "tools")
SUFFIXES = {".py", ".rs", ".sh"}
# Of Python, pip and AWS.
THEIRS = {
    "ModuleNotFoundError: No module named 'mwaalib'",
    "No matching distribution found for mwaalib",
    "… is not a supported wheel on this platform",
    "No such file or directory: '/usr/local/airflow/plugins/mwaalib-…'",
    "not authorized to perform",
    "not authorized to perform: iam:PassRole",
    "Rate exceeded",
    "service operation: code: message (request id …)",  # a form, not a message
}
# What stands for a value in a quotation, or is put together at run time.
VALUES = re.compile(
    r"^(?:ERROR|WARNING|make mwaa|[a-z_.]+): |unknown field|update (?=failed)|, (?=did you mean)|x86_64"
    r"|RunJobFlow\.Instances|StartJobRun|PutObject\.Body|/path|\w+ s-1|PENDING|FAILED|emr_step|sfn_execution"
    r"|glue_job_run|macosx|'[^']*'|…|\.\.\.|<[^>]+>"
)
PLACES = re.compile(r"\{\{|\}\}|\{[^{}\n]*\}|%[sdr]|\$\{[^}\n]*\}|\$\w+|'[^'\n]{0,60}'|…")


def code() -> str:
    """The sources, with literals that go over lines put together and a … for each value in them."""
    found = []
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                text = path.read_text()
                text = re.sub(r'"\s*\n\s*[fr]*"', "", text)
                text = re.sub(r"\\\n\s*", "", text)
                found.append(PLACES.sub("…", text))
    return "\n".join(found)


def quotations() -> list[str]:
    """The quoted messages: those that head an entry or a row of a table."""
    found = re.findall(r"^\|(.+?)\|", (ROOT / "docs" / "errors.md").read_text(), re.M)
    found += re.findall(r"^(`.+)\n: ", (ROOT / "docs" / "troubleshooting.md").read_text(), re.M)
    quoted = [quotation for line in found for quotation in re.findall(r"`([^`]+)`", line)]
    return sorted({quotation for quotation in quoted if " " in quotation} - THEIRS)


@pytest.fixture(scope="module")
def sources() -> str:
    return code()


@pytest.mark.parametrize("quotation", quotations())
def test_quoted_message_is_in_the_code(quotation: str, sources: str) -> None:
    parts = [part.strip(" :,;?()") for part in VALUES.split(quotation)]
    for part in filter(None, parts):
        assert part in sources, f"no source says {part!r}"


def test_there_are_quotations() -> None:
    assert len(quotations()) > 25
