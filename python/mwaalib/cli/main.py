"""Command line of `mwaalib`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="mwaalib", description="mwaalib on Amazon MWAA.")
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", title="commands")
    check = commands.add_parser(
        "check",
        help="check a deployment of the MovieLens pipeline",
        description="Check the stack, its resources, permissions, the uploaded files and the wheel. "
        "Exit status: 0 nothing is broken, 1 something is, 2 the check could not be run.",
    )
    check.add_argument("-n", "--stack", default="mwaa-demo-foundations", help="stack (default: %(default)s)")
    check.add_argument("-e", "--environment", help="Amazon MWAA environment")
    check.add_argument(
        "-s", "--mwaa-bucket", help="bucket of the environment (default: as the stack knows it)"
    )
    check.add_argument("-d", "--data-bucket", help="bucket for data (default: as the stack knows it)")
    check.add_argument("-r", "--role", help="execution role, name or ARN (default: the environment's)")
    check.add_argument("-p", "--profile", help="profile of the AWS configuration")
    check.add_argument("--region", help="AWS region (default: the profile's or AWS_REGION)")
    check.add_argument(
        "--project", type=Path, default=Path(), help="checkout with the local files (default: here)"
    )
    check.add_argument("--json", action="store_true", help="print JSON instead of a table")
    check.add_argument("--strict", action="store_true", help="status 1 also when a check could not tell")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param arguments: arguments without the program's name; the process's own by default.
    :return: the exit status.
    """
    top = parser()
    options = top.parse_args(arguments)
    if options.version:
        import mwaalib

        print(f"mwaalib {mwaalib.__version__}")
        return 0
    if options.command is None:
        top.print_help(sys.stderr)
        return 2
    from mwaalib.cli.check import run

    return run.check(options)
