"""Ends the stand-in's children when the stand-in itself was killed.

Runs as a process of its own and reads ``+PGID`` and ``-PGID`` lines from the pipe that the
stand-in holds. End of file means that the stand-in is gone, however it went.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Read registrations until end of file, then kill every process group still registered."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
