"""The run's report: one HTML file with all in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from typing import Any

from demo import charts
from demo.dataset import Dataset
from demo.evidence import Deferral
from demo.watch import Outcome

STYLE = """
:root { color-scheme: light dark; --ink: #0f172a; --soft: #64748b; --line: #e2e8f0; --paper: #ffffff; --tint: #f8fafc; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e2e8f0; --soft: #94a3b8; --line: #334155; --paper: #0f172a; --tint: #1e293b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } p.lead { color: var(--soft); margin-top: .25rem; }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
.card { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; }
.card b { display: block; font-size: 1.4rem; } .card span { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg .label { text-anchor: end; } svg .tick { text-anchor: middle; fill: var(--soft); }
svg .grid { stroke: var(--line); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.key { margin-right: 1rem; font-size: .85rem; } .key i { display: inline-block; width: .8rem; height: .8rem;
  border-radius: 3px; margin-right: .35rem; vertical-align: -1px; }
pre { background: var(--tint); border: 1px solid var(--line); padding: 1rem; border-radius: 8px;
  overflow-x: auto; white-space: pre-wrap; }
.success { color: #16a34a; } .failed { color: #dc2626; }
"""


@dataclass
class Facts:
    """What the report tells.

    :param outcome: how the DAG run ended.
    :param dataset: what it ran on.
    :param params: the DAG's params.
    :param deferrals: the waits in the triggerer.
    :param failures: the error of each failed task.
    :param results: what `demo.results.read` returns; None if there are none.
    :param catalog: the tables that the crawlers have made, as Glue's GetTables gives them.
    :param phases: names and seconds of the demo's phases.
    :param versions: names and versions of what ran.
    """

    outcome: Outcome
    dataset: Dataset
    params: dict[str, Any]
    deferrals: list[Deferral]
    failures: dict[str, str]
    results: dict[str, Any] | None
    catalog: list[dict[str, Any]]
    phases: list[tuple[str, float]]
    versions: dict[str, str]


def render(facts: Facts) -> str:
    """Return the report as an HTML page."""
    outcome = facts.outcome
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>MovieLens on mwaalib</title><style>{STYLE}</style></head><body>",
        "<h1>MovieLens on mwaalib</h1>",
        f"<p class='lead'>{escape(outcome.run_id)}, written {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC</p>",
        _cards(facts),
    ]
    for task, error in facts.failures.items():
        parts.append(f"<h2 class='failed'>{escape(task)} failed</h2><pre>{escape(error)}</pre>")
    parts += [
        "<h2>Timeline</h2>",
        f"<p>{charts.legend(outcome.spans)}</p>{charts.timeline(outcome.spans, outcome.seconds)}",
        "<h2>Time of each task</h2>",
        _tasks(facts),
    ]
    if facts.results:
        parts += [_results(facts.results), "<h2>The crawlers' tables</h2>", _catalog(facts.catalog)]
    parts += [
        "<h2>Waits in the triggerer</h2>",
        "<p>From Airflow's own task logs. While a task was deferred it held no worker.</p>",
        _deferrals(facts.deferrals),
        "<h2>The data set</h2>",
        f"<p>{escape(facts.dataset.origin)}{''.join('; ' + escape(note) for note in facts.dataset.notes)}</p>",
    ]
    if facts.results:
        raw = facts.results["raw"]
        rows = [(name, f"{file['lines']:,}", f"{file['bytes']:,}") for name, file in raw.items()]
        parts.append(_table(("file", "lines", "bytes"), rows, numbers={1, 2}))
    parts += [
        "<h2>Time of each phase of the demo</h2>",
        _table(("phase", "seconds"), [(n, f"{s:.1f}") for n, s in facts.phases], numbers={1}),
        "<h2>Versions and parameters</h2>",
        _table(("name", "value"), [*facts.versions.items(), *((k, str(v)) for k, v in facts.params.items())]),
        "</body></html>",
    ]
    return "\n".join(parts)


def _cards(facts: Facts) -> str:
    outcome = facts.outcome
    waited = sum((d.fired - d.started).total_seconds() for d in facts.deferrals if d.fired)
    cards = [
        (f"<b class='{outcome.state}'>{outcome.state}</b>", "DAG run"),
        (f"<b>{outcome.seconds:.0f} s</b>", "from trigger to end"),
        (f"<b>{len(outcome.tasks)}</b>", "tasks"),
        (f"<b>{len(facts.deferrals)}</b>", "waits in the triggerer"),
        (f"<b>{waited:.0f} s</b>", "waited without a worker"),
    ]
    return (
        "<div class='cards'>"
        + "".join(f"<div class='card'>{a}<span>{b}</span></div>" for a, b in cards)
        + "</div>"
    )


def _tasks(facts: Facts) -> str:
    states = ("queued", "running", "deferred")
    rows = []
    for task, final in facts.outcome.tasks.items():
        spans = [span for span in facts.outcome.spans if span.task == task]
        times = [sum(s.end - s.start for s in spans if s.state == state) for state in states]
        rows.append((task, *(f"{t:.1f}" for t in times), final))
    return _table(("task", *(f"{state}, s" for state in states), "ended"), rows, numbers={1, 2, 3})


def _results(results: dict[str, Any]) -> str:
    parts = []
    for name, title, value, colour, digits in (
        ("most_popular_movies", "Most popular movies", "num_ratings", "#2563eb", 0),
        ("top_rated_movies", "Top rated movies", "avg_rating", "#16a34a", 3),
    ):
        table = results[name]
        columns = ("movieId", value, "title", "genres")
        rows = [
            tuple(f"{row[c]:.{digits}f}" if c == value else str(row[c]) for c in columns)
            for row in table["rows"]
        ]
        parts += [
            f"<h2>{title}</h2><p>The first ten of {table['count']:,}.</p>",
            charts.bars(table["rows"], value, colour, digits),
            _table(columns, rows, numbers={0, 1}),
        ]
    return "\n".join(parts)


def _catalog(tables: list[dict[str, Any]]) -> str:
    rows = []
    for table in tables:
        storage = table["StorageDescriptor"]
        columns = ", ".join(f"{column['Name']} {column['Type']}" for column in storage["Columns"])
        rows.append((f"{table['DatabaseName']}.{table['Name']}", columns, storage["Location"]))
    return _table(("table", "columns", "location"), rows)


def _deferrals(found: list[Deferral]) -> str:
    rows = []
    for wait in found:
        seconds = f"{(wait.fired - wait.started).total_seconds():.1f}" if wait.fired else "never fired"
        rows.append(
            (wait.task, f"{wait.started:%H:%M:%S}", seconds, "yes" if wait.resumed else "no", wait.event)
        )
    return _table(("task", "deferred at", "seconds", "resumed", "event"), rows, numbers={2})


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int] | None = None) -> str:
    marks = ["class='number'" if i in (numbers or set()) else "" for i in range(len(head))]
    lines = [
        "<table><tr>"
        + "".join(f"<th {m}>{escape(h)}</th>" for m, h in zip(marks, head, strict=True))
        + "</tr>"
    ]
    for row in rows:
        cells = "".join(f"<td {m}>{escape(c)}</td>" for m, c in zip(marks, row, strict=True))
        lines.append(f"<tr>{cells}</tr>")
    return "".join(lines) + "</table>"
