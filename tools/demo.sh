#!/bin/sh
# Run the demo; DATASET, CONF, DEMO_DIR and DEMO_TIMEOUT are its settings (see README.md).
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh
export PYTHONPATH="$ROOT:$ROOT/tools"
exec "$MWAALIB_CACHE/tools/bin/python" -m demo
