"""Keeps the garbage collector's full rounds short, however many waits there are.

A full round over the heap of a triggerer stops its event loop for 100 ms and more, and every few thousand
waits set one off. What lives when many waits do, modules, classes and the waits themselves, is therefore
taken out of those rounds. It is still freed when its last reference goes; only a cycle of references in it
is not found any more, which is why a wait must not leave one behind.
"""

from __future__ import annotations

import gc

# Waits by which a process grows over the most it ever had before its heap is frozen once more.
GROWTH = 1_000

_waits = 0
_freeze_above = 0


def enter() -> None:
    """Count one more wait of this process, and freeze the heap with the first and after each `GROWTH`."""
    global _waits, _freeze_above
    _waits += 1
    if _waits > _freeze_above:
        _freeze_above += GROWTH
        # Young garbage would be kept for good; looking for it takes little.
        gc.collect(1)
        gc.freeze()


def leave() -> None:
    """Count one wait less."""
    global _waits
    _waits -= 1
