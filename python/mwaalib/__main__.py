"""`python -m mwaalib`: the same as the command `mwaalib`."""

from __future__ import annotations

import sys

from mwaalib.cli.main import main

sys.exit(main())
