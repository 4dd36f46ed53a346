"""Make the two files that Amazon MWAA takes: requirements.txt and plugins.zip."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from . import constraints, own
from .catalogue import Image, UnsupportedError
from .environment import cache_directory
from .own import PLUGINS
from .wheel import ROOT, Wheel, check_wheel, find_wheel, read_name

CONSTRAINTS_IN_ZIP = "mwaalib-constraints.txt"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
UNWANTED = {".DS_Store", "__MACOSX", "__pycache__", ".git"}


def header(image: Image) -> str:
    """Return the first line of requirements.txt, by which deploy.sh and `mwaalib check` know what it is for."""
    return f"# Amazon MWAA {image.airflow}: Airflow {image.airflow}, Python {image.python}"


def requirements_text(image: Image, wheel: Wheel, offline: bool, own_file: Path | None = None) -> str:
    """Return requirements.txt for the image.

    The wheel is named by its path: by its name, pip would prefer a package of that name on an index if it
    were newer or had closer tags.

    :param image: the image.
    :param wheel: the wheel in plugins.zip.
    :param offline: for an environment without internet access: constraints and wheels come from plugins.zip.
    :param own_file: the user's own requirements, put behind ours.
    :raises UnsupportedError: if the user's file names what is not there on Amazon MWAA.
    """
    address = f"{PLUGINS}/{CONSTRAINTS_IN_ZIP}" if offline else constraints.official_address(image)
    lines = [header(image), f'--constraint "{address}"', f"--find-links {PLUGINS}"]
    if offline:
        lines.append("--no-index")
    lines += ["", f"{PLUGINS}/{wheel.path.name}"]
    if own_file is not None:
        lines += own.read(own_file, offline).kept
    return "\n".join(lines) + "\n"


def write_package(
    image: Image,
    wheel: Path | None,
    folder: Path,
    *,
    offline: bool = False,
    own_requirements: Path | None = None,
    own_plugins: Path | None = None,
) -> tuple[Path, Path]:
    """Write requirements.txt and plugins.zip and return their paths.

    The same input gives the same bytes, so that an upload can be compared.

    :param image: the image they are for.
    :param wheel: the wheel; if None, the one in ``dist/``.
    :param folder: where they go.
    :param offline: for an environment without internet access.
    :param own_requirements: the user's requirements, added.
    :param own_plugins: a folder with the user's plugins (and wheels), added.
    :raises UnsupportedError: if an input cannot work on the image.
    :raises ConstraintsError: if the constraints that go into an offline zip cannot be had.
    """
    chosen = check_wheel(wheel or find_wheel(ROOT / "dist"), image)
    requirements = requirements_text(image, chosen, offline, own_requirements)
    content = {chosen.path.name: chosen.path.read_bytes()}
    if offline:
        text, _ = constraints.constraints_text(image, cache_directory())
        content[CONSTRAINTS_IN_ZIP] = text.encode()
    if own_plugins is not None:
        content |= _own_files(own_plugins)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "plugins.zip"
    new = folder / "plugins.zip.new"
    with zipfile.ZipFile(new, "w") as target:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            target.writestr(entry, content[name])
    new.replace(archive)
    (folder / "requirements.txt").write_text(requirements)
    check_package(folder, image)
    return folder / "requirements.txt", archive


def _own_files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise UnsupportedError(f"Your plugins folder {folder} does not exist.")
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not UNWANTED & set(name.parts) and not re.match(r"mwaalib-.*\.whl", path.name):
            found[name.as_posix()] = path.read_bytes()
    return found


def check_package(folder: Path, image: Image) -> None:
    """Check that a folder's plugins.zip and requirements.txt go together and can work on the image.

    :raises UnsupportedError: with what is wrong and what to do.
    """
    archive, requirements = folder / "plugins.zip", folder / "requirements.txt"
    again = f"Make both anew with: make mwaa MWAA_VERSION={image.airflow}"
    for path in (archive, requirements):
        if not path.is_file():
            raise UnsupportedError(f"{path} does not exist. {again}")
    try:
        with zipfile.ZipFile(archive) as content:
            names, broken = content.namelist(), content.testzip()
            # Cut off, the file ends with the wheel's own directory, and reads as if it were the wheel.
            if not names or min(entry.header_offset for entry in content.infolist()) != 0:
                raise zipfile.BadZipFile("its end is missing")
    except zipfile.BadZipFile as error:
        raise UnsupportedError(f"{archive} is no readable zip file ({error}). {again}") from error
    if broken:
        raise UnsupportedError(f"{archive}: its file {broken} is damaged. {again}")
    if bad := [n for n in names if PurePosixPath(n).is_absolute() or ".." in PurePosixPath(n).parts]:
        raise UnsupportedError(
            f"{archive} has paths that leave the plugins folder: {', '.join(bad)}. {again}"
        )
    wheels = [n for n in names if re.fullmatch(r"mwaalib-.*\.whl", n)]
    if not wheels:
        deeper = [n for n in names if re.search(r"/mwaalib-[^/]*\.whl$", n)]
        where = f"it is at {deeper[0]}, where pip does not look" if deeper else "there is none in it"
        raise UnsupportedError(f"{archive} must have the wheel of mwaalib at its root; {where}. {again}")
    if len(wheels) > 1:
        raise UnsupportedError(f"{archive} has {len(wheels)} wheels of mwaalib: {', '.join(wheels)}. {again}")
    _check_requirements(requirements, read_name(Path(wheels[0])), names, image, again)


def _check_requirements(path: Path, wheel: Wheel, names: list[str], image: Image, again: str) -> None:
    text = path.read_text()
    lines = text.splitlines()
    if header(image) not in lines[:1]:
        raise UnsupportedError(
            f"{path} is not for Airflow {image.airflow} on Python {image.python}: its first line is "
            f"{''.join(lines[:1])!r}. {again}"
        )
    if f"{PLUGINS}/{wheel.path.name}" not in lines:
        raise UnsupportedError(
            f"{path} does not ask for {PLUGINS}/{wheel.path.name}, the wheel in plugins.zip. {again}"
        )
    constraint = re.search(r'^--constraint\s+"?([^"\s]+)', text, re.M)
    if not constraint:
        raise UnsupportedError(f"{path} has no --constraint line, which Amazon MWAA demands. {again}")
    inside = constraint[1].removeprefix(PLUGINS + "/")
    if constraint[1] != constraints.official_address(image) and inside not in names:
        raise UnsupportedError(
            f"{path}: its constraint {constraint[1]} is neither that of Airflow {image.airflow} on Python "
            f"{image.python} ({constraints.official_address(image)}) nor a file in plugins.zip. {again}"
        )
