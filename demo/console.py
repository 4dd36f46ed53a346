"""What the demo says while it works, and the time that each phase takes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class DemoError(Exception):
    """Why the demo cannot go on, in words for the user."""


class Console:
    """Prints the demo's progress and keeps the times for the report."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.phases: list[tuple[str, float]] = []

    def say(self, text: str) -> None:
        """Print one line with the time since the start."""
        print(f"{self._clock()}  {text}", flush=True)

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes:2d}:{seconds:02d}"

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a phase, and at its end say how long it took."""
        print(f"\n{self._clock()}  {name}", flush=True)
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        self.phases.append((name, seconds))
        self.say(f"  done in {seconds:.1f} s")

    def times(self) -> str:
        """Return the table of the phases' times."""
        width = max(len(name) for name, _ in self.phases)
        lines = [f"  {name:<{width}}  {seconds:7.1f} s" for name, seconds in self.phases]
        lines.append(f"  {'all':<{width}}  {time.monotonic() - self.began:7.1f} s")
        return "\n".join(lines)


def table(rows: list[dict[str, object]], columns: list[str]) -> str:
    """Return rows as a text table.

    :param rows: what to show.
    :param columns: which members, in which order.
    """
    cells = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    numeric = [all(isinstance(row[c], int | float) for row in rows) for c in columns]
    lines = []
    for line in cells:
        padded = [
            cell.rjust(w) if right else cell.ljust(w)
            for cell, w, right in zip(line, widths, numeric, strict=True)
        ]
        lines.append("  " + "  ".join(padded).rstrip())
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
