#!/bin/sh
# usage: tools/test.sh [rust|python]
# Run the tests; the runners' own summaries come last. $PYTEST holds further arguments for pytest.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

which=${1:-all}
status=0
if [ "$which" != python ]; then
    cargo test --release --locked --workspace --no-fail-fast || status=$?
fi
if [ "$which" != rust ]; then
    wheel=$(tools/wheel.sh)
    tools/venv.sh dev .venv-test "$wheel"
    cargo build --release --locked --workspace --bins # the Lambda functions
    # shellcheck disable=SC2086 # several arguments
    PATH="$PWD/.venv-test/bin:$PATH" .venv-test/bin/python -m pytest -m "not demo" ${PYTEST:-} || status=$?
fi
exit $status
