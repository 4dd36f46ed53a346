"""Pack each Lambda function's binary as Lambda's provided.al2023 runtime takes it."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def pack(binary: Path, archive: Path) -> None:
    """Write a zip with the binary as ``bootstrap``; the same binary gives the same bytes.

    :param binary: the executable.
    :param archive: the zip to write.
    """
    entry = zipfile.ZipInfo("bootstrap", FIXED_TIME)
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    partial = archive.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as target:
        target.writestr(entry, binary.read_bytes())
    partial.replace(archive)


def main() -> None:
    """Pack the functions whose binaries are in the folder that the command line names."""
    folder = ROOT / "dist" / "lambda"
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((ROOT / "setup" / "lambda" / "src" / "bin").iterdir()):
        archive = folder / f"{source.stem}.zip"
        pack(Path(sys.argv[1]) / source.stem, archive)
        print(f"{archive.relative_to(ROOT)} ({archive.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
