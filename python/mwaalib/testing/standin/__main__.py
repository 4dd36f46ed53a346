"""``python -m mwaalib.testing.standin``: see ``--help``."""

import logging
import sys

from mwaalib.testing.standin.server import serve
from mwaalib.testing.standin.settings import parse

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs every failed task as its own error
    sys.exit(serve(parse()))
