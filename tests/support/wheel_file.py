"""Files that look like our wheel from outside."""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from image.wheel import project_version

VERSION = project_version()
GOOD = f"mwaalib-{VERSION}-cp310-abi3-manylinux_2_28_x86_64.whl"


def make_wheel(folder: Path, name: str = GOOD, machine: int = 0x3E) -> Path:
    """Write a zip with an ELF module of a machine in it."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mwaalib/__init__.py", "")
        head = b"\x7fELF" + bytes(14) + struct.pack("<H", machine)
        archive.writestr("mwaalib/_core.abi3.so", head + bytes(100))
    return path
