"""The wheel in the uploaded plugins.zip: whether pip takes it there, and that Python loads it."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from mwaalib.cli.check.aws import CallError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.environment import PYTHONS
from mwaalib.cli.check.files import read_object
from mwaalib.cli.check.finding import Finding, broken, ok, unknown

SUBJECT = "wheel in plugins.zip"
NAME = re.compile(r"mwaalib-(?P<version>[^-/]+)-cp3(?P<minor>\d+)-(?P<abi>[^-/]+)-(?P<platform>[^-/]+)\.whl")
IMAGE_GLIBC = (2, 34)
PLUGINS = "/usr/local/airflow/plugins"


def check_wheel(context: Context) -> list[Finding]:
    """Check the wheel and requirements.txt as Amazon MWAA would use them."""
    bucket = context.buckets.get("MwaaBucket")
    if not bucket:
        return [unknown(SUBJECT, "the MWAA bucket is not known", "name it with -s")]
    remedy = f"make mwaa MWAA_VERSION=<Airflow version>, then: {context.deploy}"
    try:
        content = read_object(context, bucket, "plugins.zip")
        requirements = read_object(context, bucket, "requirements.txt").decode(errors="replace")
    except CallError as error:
        if error.missing:
            return [unknown(SUBJECT, f"plugins.zip or requirements.txt is not in {bucket}", context.deploy)]
        return [unknown(SUBJECT, str(error))]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.infolist() and min(e.header_offset for e in archive.infolist()) != 0:
                raise zipfile.BadZipFile("its end is missing")
            wheels = [name for name in archive.namelist() if NAME.fullmatch(name)]
            data = archive.read(wheels[0]) if wheels else b""
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return [broken(SUBJECT, f"plugins.zip is no readable zip file: {error}", remedy)]
    if len(wheels) != 1:
        return [
            broken(SUBJECT, f"plugins.zip has {len(wheels)} wheels of mwaalib at its root, not one", remedy)
        ]
    airflow = str(context.environment.get("AirflowVersion", ""))
    python = PYTHONS.get(airflow)
    found = [_fits(wheels[0], python, remedy), _asked_for(wheels[0], requirements, airflow, python, remedy)]
    if all(finding.status == "ok" for finding in found):
        found.append(_imported(data, python))
    return found


def _fits(name: str, python: str | None, remedy: str) -> Finding:
    tags = NAME.fullmatch(name)
    if tags is None:  # the caller has matched it
        return unknown(SUBJECT, name)
    linux = re.findall(r"manylinux_(\d+)_(\d+)_x86_64", tags["platform"])
    if not any((int(major), int(minor)) <= IMAGE_GLIBC for major, minor in linux):
        detail = f"{name} is for {tags['platform']}; Amazon MWAA needs manylinux up to 2.34 for x86_64"
        return broken(SUBJECT, detail, remedy)
    oldest = min(int(p.partition(".")[2]) for p in ([python] if python else PYTHONS.values()))
    if int(tags["minor"]) > oldest or (tags["abi"] != "abi3" and int(tags["minor"]) != oldest):
        where = (
            f"the environment runs Python {python}" if python else f"MWAA runs Python 3.{oldest} and later"
        )
        return broken(SUBJECT, f"{name} is for CPython 3.{tags['minor']} ({tags['abi']}); {where}", remedy)
    return ok(SUBJECT, name)


def _asked_for(name: str, text: str, airflow: str, python: str | None, remedy: str) -> Finding:
    subject = "requirements.txt, content"
    tags = NAME.fullmatch(name)
    lines = [line.strip() for line in text.splitlines()]
    if tags is not None and f"mwaalib=={tags['version']}" not in lines:
        return broken(
            subject, f"does not ask for mwaalib=={tags['version']}, the wheel in plugins.zip", remedy
        )
    if f"--find-links {PLUGINS}" not in lines:
        return broken(
            subject, f"lacks the line --find-links {PLUGINS}, so pip does not see the wheel", remedy
        )
    constraint = next((line for line in lines if line.startswith("--constraint")), "")
    if not constraint:
        return broken(subject, "has no --constraint line, which Amazon MWAA demands", remedy)
    fitting = (
        not airflow or f"constraints-{airflow}/constraints-{python}" in constraint or PLUGINS in constraint
    )
    if not fitting:
        detail = f"has constraints of another Airflow than {airflow} on Python {python}: {constraint}"
        return broken(subject, detail, f"make mwaa MWAA_VERSION={airflow}, then: {remedy.partition(': ')[2]}")
    return ok(subject)


def _imported(data: bytes, python: str | None) -> Finding:
    subject = f"wheel loads in Python {python}" if python else "wheel loads in Python"
    program = interpreter(python)
    if program is None:
        detail = f"no Python {python} here to try it in"
        return unknown(subject, detail, f"check again where Python {python} is installed")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as wheel:
                wheel.extractall(folder)
        except zipfile.BadZipFile as error:
            return broken(subject, f"the wheel is damaged: {error}", "make wheel mwaa, then deploy again")
        code = f"import sys; sys.path.insert(0, {folder!r}); import mwaalib._core as c; print(c.__version__)"
        done = subprocess.run([program, "-I", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return broken(subject, last, "make wheel mwaa, then deploy again")
    return ok(subject, f"version {done.stdout.strip()}")


def interpreter(python: str | None) -> str | None:
    """Return a Python of the minor version on this machine, the running one where it fits."""
    if python is None or python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    candidates = [shutil.which(f"python{python}")]
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob(f"{python}.*/bin/python{python}"))]
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", ""], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return None
