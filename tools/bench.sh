#!/bin/sh
# Measure the waits of the wheel of this source beside the incumbent's; the table and its picture go into benches/results/.
# $BENCH holds arguments of `python -m benches`.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

wheel=$(tools/wheel.sh)
tools/venv.sh bench .venv-bench "$wheel"
cargo build --release --locked --workspace --bins # the stub of AWS
# shellcheck disable=SC2086 # several arguments
exec .venv-bench/bin/python -m benches ${BENCH:-}
