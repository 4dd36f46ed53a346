#!/bin/sh
# Every static check, each even when one before it failed; exits with failure when any did.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

wheel=$(tools/wheel.sh)
tools/venv.sh dev .venv-test "$wheel"
bin=$PWD/.venv-test/bin
failed=
check() { # name, command...
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok      $name"
    else
        printf 'FAILED  %s\n%s\n' "$name" "$output"
        failed="$failed $name"
    fi
}

check features tools/check_features.sh
check rustfmt cargo fmt --all --check
check clippy cargo clippy --release --locked --workspace --all-targets -- -D warnings
check ruff "$bin/ruff" check .
check ruff-format "$bin/ruff" format --check .
check mypy "$bin/mypy"
check stubtest "$bin/python" -m mypy.stubtest mwaalib._core --allowlist tools/stubtest_allowlist.txt
# shellcheck disable=SC2046 # names without spaces
check shellcheck "$bin/shellcheck" -x $(git ls-files '*.sh' .ci/run)
# shellcheck disable=SC2046
check cfn-lint "$bin/cfn-lint" $(git ls-files 'setup/*template*.y*ml' 'setup/*roles*.y*ml')

if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
