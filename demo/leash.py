"""``python leash.py COMMAND...``: become the command, as a process that is told to end when its parent dies."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.processes import die_with_parent

if __name__ == "__main__":
    die_with_parent(signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the demo ended before this was started")
    os.execvp(sys.argv[2], sys.argv[2:])
