"""The picture of results: what a wait costs as waits grow, on logarithmic scales, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

WIDTH, HEIGHT, MARGIN = 420, 300, 56
_COLOURS = {"mwaalib": "#0b7285", "incumbent": "#c2410c"}
_PANELS = (
    ("memory_kb", "memory in all, MB", 1024.0),
    ("cpu_ms", "CPU to start all, s", 1000.0),
    ("stall_ms", "longest stall, ms", None),
    ("calls", "API calls a poll round", None),
)

_Series = dict[str, list[tuple[float, float]]]


def _series(taken: dict[str, Any], key: str, per: float | None) -> _Series:
    """Return (waits, value) points by side; with `per`, a cost per wait is summed over the waits."""
    series: _Series = {side: [] for side in _COLOURS}
    for name, figure in taken.items():
        if not name.startswith("growth_"):
            continue
        for side, numbers in figure.items():
            value = numbers[key] * numbers["waits"] / per if per else numbers[key]
            # A logarithmic scale has no zero.
            point = (float(numbers["waits"]), max(value, 1e-3))
            if point[0] not in {x for x, _ in series[side]}:
                series[side].append(point)
    return series


def _decades(values: Iterable[float]) -> tuple[int, int]:
    """Return the powers of ten that enclose `values`."""
    powers = [math.log10(value) for value in values]
    low, high = math.floor(min(powers)), math.ceil(max(powers))
    return low, max(high, low + 1)


def _panel(left: float, title: str, series: _Series) -> list[str]:
    points = [point for side in series.values() for point in side]
    (low_x, high_x), (low_y, high_y) = _decades(x for x, _ in points), _decades(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low_x) / (high_x - low_x)
        up = (math.log10(y) - low_y) / (high_y - low_y)
        return left + MARGIN + across * (WIDTH - 1.5 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    out = [f'<text x="{left + MARGIN}" y="32" font-weight="600">{title}</text>']
    for power in range(low_x, high_x + 1):
        x, y = place(10**power, 10**low_y)
        _, top = place(10**power, 10**high_y)
        out.append(f'<path d="M{x:.1f} {y:.1f}V{top:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low_y, high_y + 1):
        x, y = place(10**low_x, 10**power)
        right, _ = place(10**high_x, 10**power)
        out.append(f'<path d="M{x:.1f} {y:.1f}H{right:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    for side, line in series.items():
        corners = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line)
        out.append(f'<polyline points="{corners}" fill="none" stroke="{_COLOURS[side]}" stroke-width="2"/>')
        for point in line:
            x, y = place(*point)
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_COLOURS[side]}"/>')
    return out


def render(taken: dict[str, Any]) -> str:
    """Return the picture; its horizontal axes count waits."""
    width = WIDTH * len(_PANELS)
    body: list[str] = []
    for place, (key, title, per) in enumerate(_PANELS):
        body += _panel(place * WIDTH, title, _series(taken, key, per))
    for place, (side, colour) in enumerate(_COLOURS.items()):
        x = MARGIN + place * 130
        body.append(f'<rect x="{x}" y="{HEIGHT - 14}" width="12" height="12" fill="{colour}"/>')
        body.append(f'<text x="{x + 18}" y="{HEIGHT - 4}">{side}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{HEIGHT}" fill="white"/>' + "".join(body) + "</svg>\n"
    )
