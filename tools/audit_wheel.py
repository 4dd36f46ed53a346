"""Let auditwheel look at a wheel, and fail where it needs a newer glibc than manylinux_2_28 has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GLIBC = (2, 28)


def find_tag(report: str) -> str:
    """Return the platform tag that `auditwheel show` says a wheel is consistent with; empty if it says none.

    :param report: what it printed, which is wrapped at the width of a terminal.
    """
    words = " ".join(report.split())
    found = re.search(r'is consistent with the following platform tag: "([^"]+)"', words)
    return found[1] if found else ""


def fits(tag: str) -> bool:
    """Return whether a wheel with the platform tag runs with the glibc of manylinux_2_28."""
    found = re.fullmatch(r"manylinux_(\d+)_(\d+)_(x86_64|aarch64)", tag)
    return found is not None and (int(found[1]), int(found[2])) <= GLIBC


def main() -> int:
    """Audit the wheel that the command line names."""
    program = Path(sys.executable).with_name("auditwheel")
    done = subprocess.run([program, "show", sys.argv[1]], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout.strip())
    tag = find_tag(done.stdout)
    if done.returncode or not fits(tag):
        print(f"{sys.argv[1]} fits {tag or 'no tag at all'}, not manylinux_2_28 or older", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
