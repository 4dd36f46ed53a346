#!/bin/sh
# usage: tools/test.sh [rust|python|long]
# Run the tests; the runners' own summaries come last. $PYTEST holds further arguments for pytest. `long` runs the long
# forms alone: the simulation over 1,000 seeds, a hundred forks of each kind.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

which=${1:-all}
status=0
marker="not demo and not long"
if [ "$which" = long ]; then
    marker=long
    simulation() { # first seed
        MWAALIB_SIM_FIRST=$1 MWAALIB_SIM_SEEDS=500 cargo test --release --locked --workspace --test simulation
    }
    cargo test --release --locked --workspace --test simulation --no-run || status=$?
    simulation 0 &
    half=$!
    simulation 500 || status=$?
    wait "$half" || status=$?
elif [ "$which" != python ]; then
    cargo test --release --locked --workspace --no-fail-fast || status=$?
fi
if [ "$which" != rust ]; then
    wheel=$(tools/wheel.sh)
    tools/venv.sh dev .venv-test "$wheel"
    cargo build --release --locked --workspace --bins # the Lambda functions
    # shellcheck disable=SC2086 # several arguments
    PATH="$PWD/.venv-test/bin:$PATH" .venv-test/bin/python -m pytest -m "$marker" ${PYTEST:-} || status=$?
fi
exit $status
