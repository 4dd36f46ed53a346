"""Builds what is deployed, and the environments that it runs in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from demo.console import Console, DemoError
from demo.layout import ROOT, Layout

AIRFLOW_LOCK = ROOT / "requirements" / "airflow.in"


def airflow_version() -> str:
    """Return the Airflow version that the demo runs."""
    lines = AIRFLOW_LOCK.read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("apache-airflow=="))


def run(*command: str, shows: bool = True) -> str:
    """Run a command of the build and return its output.

    :param command: the program and its arguments.
    :param shows: whether its messages go to the terminal as they come.
    :raises DemoError: if it fails, with the end of its messages unless they were shown.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if shows else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        messages = (done.stdout + (done.stderr or ""))[-3000:]
        raise DemoError(f"{' '.join(command)} ended with {done.returncode}\n{messages}")
    return done.stdout


def build(layout: Layout, console: Console) -> Path:
    """Build wheel, Lambda functions and the files for Amazon MWAA, and the two environments.

    :return: the wheel.
    :raises DemoError: if a step fails.
    """
    with console.phase("wheel and Lambda functions (from nothing this takes minutes)"):
        wheel = Path(run("tools/wheel.sh").splitlines()[-1])
        run("tools/lambda.sh")
        console.say(f"  {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB")
    with console.phase("requirements.txt and plugins.zip for Amazon MWAA"):
        run("tools/mwaa.sh", shows=False)
    with console.phase(f"environments: Airflow {airflow_version()} with the wheel; the stand-in with Spark"):
        run("tools/venv.sh", "airflow", str(layout.airflow_python.parents[1]), str(wheel))
        run("tools/venv.sh", "standin", str(layout.standin_python.parents[1]), str(wheel))
    with console.phase("archive of Spark's classes, which halves what its jobs cost (made once)"):
        run(str(layout.standin_python), "-m", "mwaalib.testing.standin.prepare", shows=False)
    return wheel
