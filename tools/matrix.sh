#!/bin/sh
# Install and run the wheel of this source as in each Amazon MWAA image. $MATRIX holds arguments of tools/matrix.py.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

wheel=$(tools/wheel.sh)
tools/venv.sh dev .venv-test "$wheel"
# shellcheck disable=SC2086 # several arguments
exec .venv-test/bin/python tools/matrix.py --wheel "$wheel" ${MATRIX:-}
