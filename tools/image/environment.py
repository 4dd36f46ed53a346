"""Environments like those in the MWAA images, built with uv and kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Image, UnsupportedError
from .constraints import constraints_text, essential_text

RECIPE = "1"


def cache_directory() -> Path:
    """Return the directory for what is kept between runs (``$MWAALIB_CACHE``)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MWAALIB_CACHE") or Path(base) / "mwaalib")


@dataclass(frozen=True)
class Environment:
    """An installed environment.

    :param image: the image it stands for.
    :param path: its root.
    :param constraints: the constraint file it was installed with.
    :param essential: the constraints that requirements.txt cannot override.
    :param built: seconds that building took, 0.0 if it was there.
    """

    image: Image
    path: Path
    constraints: Path
    essential: Path
    built: float

    def program(self, name: str) -> str:
        """Return the path of a program in the environment."""
        return str(self.path / "bin" / name)


def find_python(minor: str) -> str:
    """Return an interpreter of the minor version.

    :param minor: for example ``3.12``.
    :raises UnsupportedError: if the machine has none and uv cannot get one.
    """
    for root in (
        Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions",
        Path("/opt/python"),
    ):
        found = sorted(root.glob(f"{minor}.*/bin/python{minor}"), key=lambda p: p.parts[-3])
        if found:
            return str(found[-1])
    done = subprocess.run(["uv", "python", "find", minor], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout.strip()
    # tools/env.sh forbids uv to fetch one unasked, which this is not.
    done = subprocess.run(
        ["uv", "python", "install", minor],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "manual"},
    )
    words = done.stderr.strip().splitlines()
    if done.returncode == 0:
        done = subprocess.run(["uv", "python", "find", minor], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    raise UnsupportedError(
        f"No Python {minor} on this machine, and uv could not fetch it ({words[-1] if words else 'no reason'}). "
        f"Install it (pyenv install {minor}, or your system's package)."
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], **extra: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **extra})
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
        )


@contextmanager
def use(image: Image, rebuild: bool = False, more: tuple[str, ...] = ()) -> Iterator[Environment]:
    """Give the image's environment, built if the cache has none with the same content, to one user at a time.

    What is tried in it is installed into it, so that the row of another checkout waits until this one ends.

    :param image: the image.
    :param rebuild: build it anew even if it is there.
    :param more: further packages to install, under the same constraints.
    :raises UnsupportedError: if the Python is missing.
    :raises ConstraintsError: if the constraint file cannot be had.
    :raises RuntimeError: if the installation fails, with the installer's words.
    """
    cache = cache_directory()
    text, _ = constraints_text(image, cache)
    essential = essential_text(image, text)
    python = find_python(image.python)
    requested = [
        f"apache-airflow[celery,statsd]=={image.airflow}",
        "apache-airflow-providers-amazon[aiobotocore]",
        *more,
    ]
    key = hashlib.sha256("\0".join([RECIPE, python, text, essential, *requested]).encode()).hexdigest()[:12]
    name = f"airflow-{image.airflow}-py{image.python}-{key}"
    path = cache / "images" / name
    done_mark = path / ".complete"
    constraints_file, essential_file = path / "constraints.txt", path / "essential.txt"
    with _locked(cache / "images" / f".{name}.lock"):
        built = 0.0
        if rebuild or not done_mark.exists():
            began = time.monotonic()
            shutil.rmtree(path, ignore_errors=True)
            _run(["uv", "venv", "--quiet", "--seed", "--python", python, str(path)])
            constraints_file.write_text(text)
            essential_file.write_text(essential)
            _run(
                ["uv", "pip", "install", "--quiet", "--constraint", str(constraints_file), *requested],
                VIRTUAL_ENV=str(path),
            )
            done_mark.write_text(python + "\n")
            built = time.monotonic() - began
        yield Environment(image, path, constraints_file, essential_file, built)
