"""The table of results, in Markdown: figure, target, both sides, ratio, verdict."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Calls of one poll round for 1,000 waits on one parent.
_CALL_TARGETS = {"sfn": 2, "glue": 5, "emr_step": 100, "crawler": 10}


@dataclass
class Row:
    """One figure of both sides; `most` is the target, lower is better throughout.

    `least_ratio` is a second target. With `by_wait` the ratio is that of the figures divided by the waits
    they were taken with, since the two sides did not bear the same number.
    """

    name: str
    unit: str
    ours: float
    theirs: float
    most: float | None
    our_waits: int | None = None
    their_waits: int | None = None
    least_ratio: float | None = None
    by_wait: bool = False

    @property
    def factor(self) -> float | None:
        """The incumbent's figure as a multiple of ours."""
        if self.ours <= 0:
            return None
        factor = self.theirs / self.ours
        if self.by_wait and self.our_waits and self.their_waits:
            factor *= self.our_waits / self.their_waits
        return factor

    @property
    def ratio(self) -> str:
        if self.factor is None:
            return "–"
        return f"{self.factor:,.1f}×" + (" a wait" if self.by_wait else "")

    @property
    def verdict(self) -> str:
        if self.most is None:
            return ""
        met = self.ours <= self.most
        if self.least_ratio is not None:
            met = met and self.factor is not None and self.factor >= self.least_ratio
        return "met" if met else "**missed**"

    @property
    def target(self) -> str:
        if self.most is None:
            return ""
        text = f"≤ {self.most:.3g} {self.unit}".rstrip()
        return text if self.least_ratio is None else f"{text}, ≥ {self.least_ratio:.0f}×"


def rows(taken: dict[str, Any]) -> Iterator[Row]:
    """Yield every row for which there is a measurement."""

    def row(name: str, unit: str, figure: str, key: str, most: float | None) -> Row:
        ours, theirs = taken[figure]["mwaalib"], taken[figure]["incumbent"]
        return Row(name, unit, ours[key], theirs[key], most, ours.get("waits"), theirs.get("waits"))

    yield row("longest stall of the loop while waits start", "ms", "starting", "stall_ms", 50)
    yield row("the same, the connection not read yet", "ms", "starting_cold", "stall_ms", 50)
    yield row("memory per wait", "KB", "starting", "memory_kb", 20)
    yield row("memory per wait, assumed role", "KB", "starting_role", "memory_kb", 20)
    yield row("AssumeRole calls", "", "starting_role", "role_calls", None)
    starting = row("CPU to start a wait", "ms", "starting", "cpu_ms", 0.2)
    starting.least_ratio = 100
    yield starting
    steady = row("steady CPU, SFN, 10 machines, 60 s delay", "% of a core", "steady", "cpu_percent", 1)
    steady.by_wait = True
    yield steady
    for kind, most in _CALL_TARGETS.items():
        calls = row(f"API calls a poll round, {kind}, one parent", "calls", f"calls_{kind}", "calls", most)
        calls.by_wait = True
        yield calls
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
    yardstick = taken["yardstick"]
    lines = [
        "# Waits: mwaalib beside apache-airflow-providers-amazon",
        "",
        f"Python {platform.python_version()}, {platform.machine()}; both sides in one run, against one stub.",
        f"The machine counted to a million in Python in {min(yardstick):.0f} to {max(yardstick):.0f} ms meanwhile, "
        f"{statistics.median(yardstick):.0f} ms in the middle.",
        "In brackets: the number of waits. Lower is better; the ratio is the incumbent's figure over ours.",
        "",
        "| figure | target | mwaalib | incumbent | ratio | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(taken):
        ours = f"{row.ours:.3g} {row.unit}{_count(row.our_waits)}"
        theirs = f"{row.theirs:.3g} {row.unit}{_count(row.their_waits)}"
        lines += [f"| {row.name} | {row.target} | {ours} | {theirs} | {row.ratio} | {row.verdict} |"]
    lines += [
        "",
        "## As waits grow",
        "",
        "| waits | side | stall, ms | CPU a wait, ms | memory a wait, KB | memory in all, MB | calls a round |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figure in taken.items():
        if not name.startswith("growth_"):
            continue
        for side, numbers in figure.items():
            memory = numbers["memory_kb"]
            lines.append(
                f"| {numbers['waits']:,} | {side} | {numbers['stall_ms']:.3g} | {numbers['cpu_ms']:.3g} "
                f"| {memory:.3g} | {memory * numbers['waits'] / 1024:,.0f} | {numbers['calls']:,.0f} |"
            )
    return "\n".join(lines) + "\n"
