"""The table of results, in Markdown: figure, target, both sides, ratio, verdict."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Calls of one poll round for 1,000 waits on one parent.
_CALL_TARGETS = {"sfn": 2, "glue": 5, "emr_step": 100, "crawler": 10}


@dataclass
class Row:
    """One figure of both sides; `most` is the target, lower is better throughout."""

    name: str
    unit: str
    ours: float
    theirs: float
    most: float | None
    our_waits: int | None = None
    their_waits: int | None = None

    @property
    def ratio(self) -> str:
        """The incumbent's figure as a multiple of ours."""
        return f"{self.theirs / self.ours:,.1f}×" if self.ours > 0 else "–"

    @property
    def verdict(self) -> str:
        if self.most is None:
            return ""
        return "met" if self.ours <= self.most else "**missed**"


def rows(taken: dict[str, Any]) -> Iterator[Row]:
    """Yield every row for which there is a measurement."""

    def row(name: str, unit: str, figure: str, key: str, most: float | None) -> Row:
        ours, theirs = taken[figure]["mwaalib"], taken[figure]["incumbent"]
        return Row(name, unit, ours[key], theirs[key], most, ours.get("waits"), theirs.get("waits"))

    yield row("longest stall of the loop while waits start", "ms", "starting", "stall_ms", 50)
    yield row("memory per wait", "KB", "starting", "memory_kb", 20)
    yield row("memory per wait, assumed role", "KB", "starting_role", "memory_kb", 20)
    yield row("AssumeRole calls", "", "starting_role", "role_calls", None)
    yield row("CPU to start a wait", "ms", "starting", "cpu_ms", 0.2)
    yield row("steady CPU, SFN, 10 machines, 60 s delay", "% of a core", "steady", "cpu_percent", 1)
    for kind, most in _CALL_TARGETS.items():
        yield row(f"API calls a poll round, {kind}, one parent", "calls", f"calls_{kind}", "calls", most)
    latency = row("state change to event, mean, 5 s delay", "s", "latency", "mean_s", None)
    latency.most = latency.theirs
    yield latency
    yield row("import of all operators and sensors over Airflow's", "ms", "imports", "ms", 15)
    yield row("first client and first call", "ms", "first_call", "ms", 20)
    yield row("first client and first call, memory", "MB", "first_call", "mb", 15)


def _count(waits: int | None) -> str:
    return f" ({waits:,})" if waits else ""


def render(taken: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    lines = [
        "# Waits: mwaalib beside apache-airflow-providers-amazon",
        "",
        f"Python {platform.python_version()}, {platform.machine()}; both sides in one run, against one stub.",
        "In brackets: the number of waits. Lower is better; the ratio is the incumbent's figure over ours.",
        "",
        "| figure | target | mwaalib | incumbent | ratio | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(taken):
        target = "" if row.most is None else f"≤ {row.most:.3g} {row.unit}".rstrip()
        lines.append(
            f"| {row.name} | {target} | {row.ours:.3g} {row.unit}{_count(row.our_waits)} "
            f"| {row.theirs:.3g} {row.unit}{_count(row.their_waits)} | {row.ratio} | {row.verdict} |"
        )
    lines += [
        "",
        "## As waits grow",
        "",
        "| waits | side | stall, ms | CPU a wait, ms | memory a wait, KB | memory in all, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, figure in taken.items():
        if not name.startswith("growth_"):
            continue
        for side, numbers in figure.items():
            lines.append(
                f"| {numbers['waits']:,} | {side} | {numbers['stall_ms']:.3g} | {numbers['cpu_ms']:.3g} "
                f"| {numbers['memory_kb']:.3g} | {numbers['memory_kb'] * numbers['waits'] / 1024:,.0f} |"
            )
    return "\n".join(lines) + "\n"
