"""Runs the demo as a child process and, whatever becomes of it, leaves no process behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from types import FrameType

from demo.processes import adopt_orphans, die_with_parent, end_descendants

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def stop(number: int, frame: FrameType | None) -> None:
    """End by an exception, so that what was begun is put in order, undisturbed by further signals."""
    for further in STOPPING:
        signal.signal(further, signal.SIG_IGN)
    raise SystemExit(128 + number)


def work() -> int:
    """Run the demo, below the keeper."""
    from demo.driver import main

    try:
        return main()
    finally:
        end_descendants()


def keep(child: int) -> int:
    """Wait for the demo and end what it leaves; return its exit status."""
    status = None
    try:
        while status is None:
            pid, code = os.waitpid(-1, 0)
            if pid == child:
                status = os.waitstatus_to_exitcode(code)
    except SystemExit as stopped:
        status = int(str(stopped.code))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    end_descendants(patience=15.0)
    return status if status >= 0 else 128 - status


def main() -> int:
    """Start the demo and keep it; returns the exit status."""
    adopt_orphans()
    child = os.fork()
    for number in STOPPING:
        signal.signal(number, stop)
    if child:
        # Should make itself be killed, nobody would wait for the result.
        die_with_parent()
        return keep(child)
    die_with_parent()
    adopt_orphans()
    status = 1
    try:
        status = work()
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
