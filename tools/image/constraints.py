"""The constraint files that an MWAA image is installed with.

They come from Airflow's official address, or from the directory in ``MWAA_CONSTRAINTS_DIR`` with
``<version>/constraints.txt`` and ``<version>/essential.txt`` in it. Where neither is to be had, ``locks`` has
the part of them that the environments here need.
"""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from .catalogue import Image

ADDRESS = "https://raw.githubusercontent.com/apache/airflow/constraints-{airflow}/constraints-{python}.txt"
LOCKS = Path(__file__).resolve().parent / "locks"

# Packages whose versions an MWAA image does not let the user's requirements change.
ESSENTIAL = frozenset(
    """
    flask-appbuilder flask-babel flask-bcrypt flask-caching flask-jwt-extended flask-limiter flask-login
    flask-sqlalchemy flask-session flask-wtf flask gunicorn billiard celery gevent greenlet kombu vine
    sqlalchemy-jsonfield sqlalchemy-utils sqlalchemy statsd watchtower
    """.split()
)


class ConstraintsError(Exception):
    """A constraint file could not be had; the message says from where and what to do."""


def official_address(image: Image) -> str:
    """Return the address of Airflow's own constraint file for the image."""
    return ADDRESS.format(airflow=image.airflow, python=image.python)


def constraints_text(image: Image, cache: Path) -> tuple[str, str]:
    """Return the image's constraints and where they were read.

    :param image: the image.
    :param cache: directory where a downloaded file is kept.
    :raises ConstraintsError: if no source has the file.
    """
    directory = os.environ.get("MWAA_CONSTRAINTS_DIR")
    if directory:
        local = Path(directory) / image.airflow / "constraints.txt"
        if local.is_file():
            return local.read_text(), str(local)
        if not Path(directory).is_dir():
            raise ConstraintsError(
                f"MWAA_CONSTRAINTS_DIR is {directory}, which is not a directory. Correct or unset it."
            )
    kept = cache / "constraints" / f"{image.airflow}-{image.python}.txt"
    if kept.is_file():
        return kept.read_text(), str(kept)
    lock = LOCKS / f"airflow-{image.airflow}-py{image.python}.txt"
    if directory and lock.is_file():
        return lock.read_text(), str(lock)
    address = official_address(image)
    try:
        with urllib.request.urlopen(address, timeout=60) as reply:
            text = reply.read().decode()
    except (urllib.error.URLError, OSError) as error:
        if lock.is_file():
            return lock.read_text(), str(lock)
        raise ConstraintsError(
            f"The constraints of Airflow {image.airflow} could not be read from {address} ({error}). "
            "Without access to that address, set MWAA_CONSTRAINTS_DIR to a directory that holds "
            f"{image.airflow}/constraints.txt."
        ) from error
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(text)
    return text, address


def essential_text(image: Image, constraints: str) -> str:
    """Return the constraints that MWAA adds to the user's own, which requirements.txt cannot override."""
    directory = os.environ.get("MWAA_CONSTRAINTS_DIR")
    if directory:
        local = Path(directory) / image.airflow / "essential.txt"
        if local.is_file():
            return local.read_text()
    pins = [f"apache-airflow=={image.airflow}"]
    for line in constraints.splitlines():
        name = re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        if "==" in line and name in ESSENTIAL:
            pins.append(line.strip())
    return "\n".join(pins) + "\n"
