"""Read a wheel and tell whether an MWAA image can install it."""

from __future__ import annotations

import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import tomllib

from .catalogue import Image, UnsupportedError

ROOT = Path(__file__).resolve().parents[2]
IMAGE_GLIBC = (2, 34)  # Amazon Linux 2023
IMAGE_MACHINE = "x86_64"
ELF_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}
NAME = re.compile(r"mwaalib-(?P<version>[^-]+)-cp(?P<python>\d+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")


@dataclass(frozen=True)
class Wheel:
    """What a wheel's name says.

    :param path: the file.
    :param version: its version.
    :param python: the oldest CPython it runs on, as (3, minor).
    :param abi: ABI tag.
    :param platform: platform tag.
    """

    path: Path
    version: str
    python: tuple[int, int]
    abi: str
    platform: str


def read_name(path: Path) -> Wheel:
    """Return what the name of a wheel says.

    :raises UnsupportedError: if it is no wheel of mwaalib.
    """
    found = NAME.fullmatch(path.name)
    if not found:
        raise UnsupportedError(f"{path.name} is not a wheel of mwaalib. Build one with: make wheel")
    digits = found["python"]
    return Wheel(path, found["version"], (int(digits[0]), int(digits[1:])), found["abi"], found["platform"])


def project_version() -> str:
    """Return the version that the source has (Cargo.toml is the one place)."""
    return str(tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"])


def expected_wheel() -> Wheel:
    """Return the wheel that `make wheel` builds of this source for the images, built or not."""
    name = f"mwaalib-{project_version()}-cp310-abi3-manylinux_2_28_{IMAGE_MACHINE}.whl"
    return read_name(ROOT / "dist" / name)


def find_wheel(folder: Path) -> Path:
    """Return the wheel of this version for the images' machine in a folder.

    :raises UnsupportedError: if there is none.
    """
    wheels = sorted(folder.glob(f"mwaalib-{project_version()}-*{IMAGE_MACHINE}.whl"))
    if not wheels:
        others = ", ".join(path.name for path in folder.glob("mwaalib-*.whl")) or "no wheel at all"
        raise UnsupportedError(
            f"{folder} has no wheel of mwaalib {project_version()} for {IMAGE_MACHINE} (it has {others}). "
            "Build it with: make wheel"
        )
    return max(wheels, key=lambda path: path.stat().st_mtime)


def check_wheel(path: Path, image: Image) -> Wheel:
    """Check that the image's pip takes the wheel and its Python loads it.

    :param path: the wheel.
    :param image: the image.
    :raises UnsupportedError: with what is wrong and what to do.
    """
    if not path.is_file():
        raise UnsupportedError(f"The wheel {path} does not exist. Build it with: make wheel")
    wheel = read_name(path)
    minor = int(image.python.split(".")[1])
    stable = wheel.abi == "abi3" and wheel.python <= (3, minor)
    if not stable and not (wheel.abi == f"cp3{minor}" and wheel.python == (3, minor)):
        raise UnsupportedError(
            f"{path.name} is for CPython {wheel.python[0]}.{wheel.python[1]} ({wheel.abi}); "
            f"Airflow {image.airflow} on Amazon MWAA runs Python {image.python}. "
            "Take the abi3 wheel that make wheel builds."
        )
    tags = re.findall(r"manylinux_(\d+)_(\d+)_([a-z0-9_]+?)(?:\.|$)", wheel.platform)
    if not any(m == IMAGE_MACHINE and (int(a), int(b)) <= IMAGE_GLIBC for a, b, m in tags):
        raise UnsupportedError(
            f"{path.name} is for {wheel.platform}; Amazon MWAA runs Linux on {IMAGE_MACHINE} with glibc "
            f"{IMAGE_GLIBC[0]}.{IMAGE_GLIBC[1]} and takes manylinux wheels up to that. "
            "Build one with: make wheel"
        )
    _check_content(path)
    return wheel


def _check_content(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            native = [n for n in archive.namelist() if re.fullmatch(r"mwaalib/_core\.[^/]*so", n)]
            head = archive.read(native[0])[:20] if native else b""
    except zipfile.BadZipFile as error:
        raise UnsupportedError(
            f"{path} is no readable wheel ({error}). Build it again with: make wheel"
        ) from error
    if broken:
        raise UnsupportedError(
            f"{path}: its file {broken} is damaged. Build the wheel again with: make wheel"
        )
    if head[:4] != b"\x7fELF":
        raise UnsupportedError(
            f"{path.name} has no Linux extension module mwaalib/_core in it. Build it with: make wheel"
        )
    machine = ELF_MACHINES.get(struct.unpack("<H", head[18:20])[0], "another machine")
    if machine != IMAGE_MACHINE:
        raise UnsupportedError(
            f"The extension module in {path.name} is for {machine}, Amazon MWAA runs {IMAGE_MACHINE}. "
            "Build the wheel with: make wheel"
        )
