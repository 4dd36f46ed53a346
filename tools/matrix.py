"""``make matrix``: install and run the wheel in an environment like each Amazon MWAA image's.

The interpreter that runs this needs moto's server and boto3; the images' environments are built beside it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from image.catalogue import IMAGES, Image, UnsupportedError, find
from image.environment import cache_directory
from image.row import Package, Row, run_row
from image.services import stop_everything

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("environment", "install", "pip check", "provider", "database", "parse", "start", "tasks", "links")


def table(rows: list[Row]) -> str:
    """Return the result as text: a line per image with the seconds of each step, a cross where one failed."""
    head = ["Airflow", "Python", *STEPS, "all", "result"]
    lines = [head]
    for row in rows:
        cells = [
            f"{row.seconds[s]:.1f}" + (" ✗" if s in row.failures else "") if s in row.seconds else "-"
            for s in STEPS
        ]
        total = f"{sum(row.seconds.values()):.0f}"
        lines.append(
            [row.image.airflow, row.image.python, *cells, total, "passed" if row.passed else "FAILED"]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", help="Airflow versions; all images if none is named")
    parser.add_argument("--wheel", type=Path, help="the wheel to install (default: the one in dist/)")
    parser.add_argument("--jobs", type=int, default=2, help="rows that run at a time")
    parser.add_argument("--rebuild", action="store_true", help="build the environments anew")
    parser.add_argument(
        "--incumbent", action="store_true", help="run apache-airflow-providers-amazon in our place"
    )
    parser.add_argument("--keep", type=Path, help="directory to leave the rows' files in")
    return parser.parse_args()


def packaged(image: Image, wheel: Path | None, folder: Path) -> Path:
    """Make requirements.txt and plugins.zip for the image, both variants, and return their folder."""
    from image.package import write_package

    write_package(image, wheel, folder / image.airflow, offline=False)
    write_package(image, wheel, folder / image.airflow / "offline", offline=True)
    return folder / image.airflow


def broken_off(number: int, _: object) -> None:
    """Leave no process behind when the run is stopped."""
    stop_everything()
    os._exit(128 + number)


def main() -> int:
    """Run the rows and print the table; 0 if all pass."""
    options = parse_arguments()
    try:
        images = [find(version) for version in options.versions] or list(IMAGES)
    except UnsupportedError as error:
        print(error, file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, broken_off)
    work = options.keep or Path(tempfile.mkdtemp(prefix="mwaalib-matrix-"))
    dags = [] if options.incumbent else sorted((ROOT / "dags").glob("*.py"))
    began = time.monotonic()
    rows: dict[str, Row] = {}

    def one(image: Image) -> Row:
        folder = work if options.incumbent else packaged(image, options.wheel, work / "packages")
        return run_row(image, Package(folder, dags, options.incumbent), work / "rows", options.rebuild)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = {pool.submit(one, image): image for image in images}
        for future in concurrent.futures.as_completed(pending):
            image = pending[future]
            try:
                row = future.result()
            except Exception as error:  # a row's own fault must not hide the others
                row = Row(image, {"environment": 0.0}, {"environment": f"{type(error).__name__}: {error}"})
            rows[image.airflow] = row
            took = sum(row.seconds.values())
            print(
                f"Airflow {image.airflow}: {'passed' if row.passed else 'FAILED'} in {took:.0f} s", flush=True
            )
    ordered = [rows[image.airflow] for image in images]
    print("\n" + table(ordered))
    for row in ordered:
        for step, message in row.failures.items():
            print(f"\nAirflow {row.image.airflow}, {step}: {message}")
    failed = sum(not row.passed for row in ordered)
    print(
        f"\nAll in {time.monotonic() - began:.0f} s; environments are kept in {cache_directory() / 'images'}"
    )
    print(f"{len(ordered) - failed} passed, {failed} failed")
    if options.keep is None and not failed:
        shutil.rmtree(work, ignore_errors=True)
    elif failed:
        print(f"The rows' files are in {work}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
