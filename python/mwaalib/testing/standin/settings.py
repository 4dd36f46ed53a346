"""What the stand-in may be told on its command line, and how long its phases last."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "123456789012"

#: Seconds that each phase lasts at time scale 1. Real work takes what it takes beside this.
PHASES = {
    "emr.starting": 1.5,
    "emr.bootstrapping": 1.0,
    "emr.terminating": 1.0,
    "emr.step_pending": 0.5,
    "glue.starting": 1.0,
    "glue.stopping": 0.3,
    "crawler.running": 1.5,
    "crawler.stopping": 0.7,
    "mwaa.changing": 3.0,
    "ssm.pending": 0.7,
}


@dataclass(frozen=True)
class Settings:
    """How one stand-in process runs.

    :param port: TCP port on 127.0.0.1; 0 takes a free one.
    :param state_dir: directory for logs, the S3 mirror and work files.
    :param time_scale: factor on every phase (0.1 makes the waits a tenth as long).
    :param python: interpreter with PySpark for spark-submit and Glue scripts.
    :param spark_master: master that replaces ``yarn`` in spark-submit commands.
    :param account: AWS account id that unassumed credentials belong to.
    """

    port: int = 5055
    state_dir: Path = field(default_factory=lambda: Path(".standin"))
    time_scale: float = 1.0
    python: str = field(default_factory=lambda: sys.executable)
    spark_master: str = "local[2]"
    account: str = ACCOUNT

    def phase(self, name: str) -> float:
        """Return how many seconds the named phase lasts."""
        return PHASES[name] * self.time_scale


def parse(argv: list[str] | None = None) -> Settings:
    """Read the command line.

    :param argv: arguments without the program's name; ``sys.argv`` by default.
    :return: the settings it describes.
    """
    parser = argparse.ArgumentParser(
        prog="python -m mwaalib.testing.standin", description="AWS stand-in on 127.0.0.1"
    )
    parser.add_argument("--port", type=int, default=5055, help="0 takes a free port (default 5055)")
    parser.add_argument("--state-dir", type=Path, default=Path(".standin"))
    parser.add_argument("--time-scale", type=float, default=1.0, help="factor on every phase's length")
    parser.add_argument(
        "--python",
        default=os.environ.get("MWAALIB_STANDIN_PYTHON", sys.executable),
        help="interpreter that has PySpark (default: this one, or $MWAALIB_STANDIN_PYTHON)",
    )
    parser.add_argument("--spark-master", default=os.environ.get("MWAALIB_STANDIN_SPARK_MASTER", "local[2]"))
    given = parser.parse_args(argv)
    if given.time_scale < 0:
        parser.error("--time-scale must not be negative")
    return Settings(
        port=given.port,
        state_dir=given.state_dir.resolve(),
        time_scale=given.time_scale,
        python=given.python,
        spark_master=given.spark_master,
    )
