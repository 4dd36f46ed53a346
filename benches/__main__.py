"""`python -m benches [--quick]`: measure both sides, print the table, write it with its picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benches import figures, picture, table

RESULTS = Path(__file__).parent / "results"


def collect(quick: bool) -> dict[str, Any]:
    """Take every measurement; `quick` makes all counts small, to see that the harness works."""
    full = 1_000 if quick else 10_000
    # The incumbent needs over 1 MB and 70 ms a wait: its counts are what this machine can hold.
    theirs = 50 if quick else 400
    both = {"mwaalib": full, "incumbent": theirs}
    # One call a wait shows at any count; 1,000 of the incumbent's would take over an hour to start.
    rounds = {"mwaalib": 100 if quick else 1_000, "incumbent": 20 if quick else 100}
    # The machine's own speed, before and after each figure: on a shared one it is not the same all the time.
    taken: dict[str, Any] = {"yardstick": [figures.yardstick()]}

    def take(name: str, figure: figures.Figure) -> None:
        taken[name] = figure
        taken["yardstick"].append(figures.yardstick())
        print(f"{name}: {json.dumps(figure)}", flush=True)

    take("imports", figures.imports())
    take("first_call", figures.first_call())
    take("starting", figures.starting(both))
    take("starting_cold", figures.starting(both, cold=True))
    take("starting_role", figures.starting({"mwaalib": full, "incumbent": theirs // 4}, role=True))
    for count in (100, 1_000, 10_000)[: 2 if quick else 3]:
        counts = {"mwaalib": count, "incumbent": min(count, theirs)}
        take(f"growth_{count}", figures.starting(counts, rounds=2))
    take("steady", figures.steady(both, seconds=60 if quick else 120))
    for kind in ("sfn", "glue", "emr_step", "crawler"):
        take(f"calls_{kind}", figures.calls_per_round(kind, rounds, delay=30))
    take("latency", figures.latency(100 if quick else 200, delay=5))
    return taken


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="benches", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small counts: checks the harness, proves nothing"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the table and the picture")
    options = parser.parse_args()
    taken = collect(options.quick)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "waits.json").write_text(json.dumps(taken, indent=1) + "\n")
    text = table.render(taken)
    (options.out / "waits.md").write_text(text)
    (options.out / "waits.svg").write_text(picture.render(taken))
    print(text)


if __name__ == "__main__":
    main()
