"""Pictures of the report, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from demo.watch import Span

STATES = {
    "scheduled": "#cbd5e1",
    "queued": "#94a3b8",
    "running": "#2563eb",
    "deferred": "#a855f7",
    "up_for_retry": "#f59e0b",
    "failed": "#dc2626",
    "upstream_failed": "#f97316",
    "restarting": "#f59e0b",
}
#: Shown as a mark at the time it was reached, not as a bar.
REACHED = {"success": "#16a34a", "failed": "#dc2626", "upstream_failed": "#f97316", "skipped": "#94a3b8"}
WIDTH = 960
LABELS = 230


def ticks(longest: float, about: int = 8) -> list[float]:
    """Return round numbers from 0 to a number, about so many."""
    raw = max(longest, 1e-9) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    return [i * step for i in range(int(longest / step) + 1)]


def timeline(spans: list[Span], seconds: float) -> str:
    """Return the picture of when each task was in which state.

    :param spans: the stretches.
    :param seconds: length of the run.
    """
    tasks = list(
        dict.fromkeys(span.task for span in spans if span.state in {"queued", "running", "deferred"})
    )
    tasks += [t for t in dict.fromkeys(span.task for span in spans) if t not in tasks]
    row = 30
    height = row * len(tasks) + 34
    scale = (WIDTH - LABELS - 30) / max(seconds, 0.1)
    parts = [_open(height, "Timeline of the tasks")]
    for tick in ticks(seconds):
        x = LABELS + tick * scale
        parts.append(f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 24}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" class="tick">{tick:g} s</text>')
    for index, task in enumerate(tasks):
        y = index * row
        parts.append(f'<text x="{LABELS - 12}" y="{y + 20}" class="label">{escape(task)}</text>')
        for span in (span for span in spans if span.task == task):
            x, width = LABELS + span.start * scale, max(1.5, (span.end - span.start) * scale)
            said = f"<title>{escape(task)}: {span.state}, {span.start:.1f} to {span.end:.1f} s</title>"
            if span.state in REACHED:
                parts.append(
                    f'<circle cx="{x:.1f}" cy="{y + 15}" r="6" fill="{REACHED[span.state]}">{said}</circle>'
                )
            elif span.state in STATES:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 6}" width="{width:.1f}" height="18" rx="3" '
                    f'fill="{STATES[span.state]}">{said}</rect>'
                )
    return "".join(parts) + "</svg>"


def legend(spans: list[Span]) -> str:
    """Return what the timeline's colours mean, of the states that occur."""
    seen = {span.state for span in spans}
    colours = {**STATES, **REACHED}
    return " ".join(
        f'<span class="key"><i style="background:{colours[state]}"></i>{state}</span>'
        for state in colours
        if state in seen
    )


def bars(rows: list[dict[str, Any]], value: str, colour: str, digits: int) -> str:
    """Return a bar chart of movies.

    :param rows: movies with ``title`` and the value.
    :param value: the member that gives the length.
    :param colour: colour of the bars.
    :param digits: decimals of the value.
    """
    row = 28
    labels = 380
    longest = max((float(r[value]) for r in rows), default=1.0) or 1.0
    scale = (WIDTH - labels - 90) / longest
    parts = [_open(row * len(rows) + 6, value)]
    for index, movie in enumerate(rows):
        y, width = index * row, float(movie[value]) * scale
        title = str(movie["title"])
        shown = title if len(title) <= 48 else title[:47] + "…"
        parts.append(f'<text x="{labels - 12}" y="{y + 19}" class="label">{escape(shown)}</text>')
        parts.append(
            f'<rect x="{labels}" y="{y + 5}" width="{width:.1f}" height="19" rx="3" fill="{colour}">'
            f"<title>{escape(title)}</title></rect>"
        )
        parts.append(
            f'<text x="{labels + width + 8:.1f}" y="{y + 19}" class="value">{movie[value]:.{digits}f}</text>'
        )
    return "".join(parts) + "</svg>"


def _open(height: int, label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
