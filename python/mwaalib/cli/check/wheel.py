"""The wheel in the uploaded plugins.zip: whether pip takes it there, and that Python loads it."""

from __future__ import annotations

import io
import platform
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
from mwaalib.cli.check.requirements_file import check_requirements

SUBJECT = "wheel in plugins.zip"
NAME = re.compile(r"mwaalib-(?P<version>[^-/]+)-cp3(?P<minor>\d+)-(?P<abi>[^-/]+)-(?P<platform>[^-/]+)\.whl")
IMAGE_GLIBC = (2, 34)


def check_wheel(context: Context) -> list[Finding]:
    """Check the wheel and requirements.txt as Amazon MWAA would use them."""
    bucket = context.buckets.get("MwaaBucket")
    if not bucket:
        return [unknown(SUBJECT, "the MWAA bucket is not known", "name it with -s")]
    airflow = str(context.environment.get("AirflowVersion", ""))
    remedy = f"make mwaa MWAA_VERSION={airflow or '<Airflow version>'}, then: {context.deploy}"
    if context.environment_name:
        remedy += f" -e {context.environment_name}"
    (plugins, version), (asked, its_version) = map(context.uploaded, ("plugins.zip", "requirements.txt"))
    try:
        content = read_object(context, bucket, plugins, version)
        requirements = read_object(context, bucket, asked, its_version).decode(errors="replace")
    except CallError as error:
        if error.missing:
            return [unknown(SUBJECT, f"{plugins} or {asked} is not in {bucket}", context.deploy)]
        return [unknown(SUBJECT, str(error))]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.infolist() and min(e.header_offset for e in archive.infolist()) != 0:
                raise zipfile.BadZipFile("its end is missing")
            names = archive.namelist()
            wheels = [name for name in names if NAME.fullmatch(name)]
            data = archive.read(wheels[0]) if wheels else b""
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return [broken(SUBJECT, f"plugins.zip is no readable zip file: {error}", remedy)]
    if len(wheels) != 1:
        return [
            broken(SUBJECT, f"plugins.zip has {len(wheels)} wheels of mwaalib at its root, not one", remedy)
        ]
    python = PYTHONS.get(airflow)
    fits = _fits(wheels[0], python, remedy)
    if fits.status != "ok":
        return [fits]
    found = [fits, check_requirements(requirements, wheels[0], names, airflow, python, remedy)]
    if all(finding.status != "broken" for finding in found):
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


def _imported(data: bytes, python: str | None) -> Finding:
    subject = f"wheel loads in Python {python}" if python else "wheel loads in Python"
    here = f"{sys.platform} on {platform.machine()}"
    if here != "linux on x86_64":
        detail = f"this machine is {here}, and Amazon MWAA is Linux on x86_64"
        return unknown(subject, detail, "check again on Linux on x86_64")
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
