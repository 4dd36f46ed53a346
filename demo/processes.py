"""Processes that cannot outlive the demo, however it is stopped.

Everything the demo starts descends from it: `adopt_orphans` makes even what lost its parent a child of ours, so that
`end_descendants` finds all of it. `die_with_parent` covers the case that we are killed and can end nothing ourselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask for a signal when the parent ends.

    :param number: the signal.
    """
    _prctl(PR_SET_PDEATHSIG, number)


def _parents() -> dict[int, int]:
    """Return the parent of every process."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # The program's name, in parentheses, may hold anything.
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    return parents


def descendants(root: int | None = None) -> list[int]:
    """Return the ids of all processes below one.

    :param root: the process at the top, this one by default.
    """
    root = root or os.getpid()
    below: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        below.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        children = below.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _reap() -> None:
    """Take the exit status of children that ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def end_descendants(patience: float = 5.0) -> None:
    """End every process below this one: asked first, then by force. Returns when none is left.

    :param patience: seconds they get after being asked.
    """
    for pid in descendants():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + patience
    while True:
        _reap()
        remaining = descendants()
        if not remaining:
            return
        if time.monotonic() > until:
            for pid in remaining:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def end_leftovers(marker: str, patience: float = 5.0) -> list[int]:
    """End processes of an earlier demo that was killed together with its keeper.

    :param marker: an environment entry, ``NAME=value``, that all processes of this demo carry.
    :param patience: seconds they get after being asked.
    :return: the ids of those found.
    """
    ours = {os.getpid(), *_ancestors()}
    found = [pid for pid in _marked(marker) if pid not in ours]
    number = signal.SIGTERM
    until = time.monotonic() + patience
    while remaining := [pid for pid in _marked(marker) if pid not in ours]:
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if time.monotonic() > until:
            number = signal.SIGKILL
        time.sleep(0.1)
    return found


def _ancestors() -> list[int]:
    parents = _parents()
    chain = [os.getpid()]
    while parent := parents.get(chain[-1], 0):
        chain.append(parent)
    return chain


def _marked(marker: str) -> list[int]:
    """Return the processes with an environment entry, and those below them that have overwritten theirs."""
    wanted = marker.encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found += [int(entry.name), *descendants(int(entry.name))]
    return [pid for pid in dict.fromkeys(found) if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
