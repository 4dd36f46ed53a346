#!/bin/sh
# Fail when building one package alone would compile the heavy dependencies with other features than the whole workspace:
# each such difference costs a second build of the AWS SDK.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

features() { # output file, cargo tree arguments
    out=$1
    shift
    cargo tree --locked --target "$MWAALIB_TARGET" --prefix none --no-dedupe --format '{p} [{f}]' "$@" |
        grep -v "($PWD" | sort -u >"$out"
}

features "$work/workspace" --workspace -e normal,build
status=0
compare() { # label, cargo tree arguments
    label=$1
    shift
    features "$work/one" "$@"
    if ! comm -23 "$work/one" "$work/workspace" | grep . >"$work/differs"; then return; fi
    echo "$label builds these otherwise than the workspace does:"
    sed 's/^/  /' "$work/differs"
    status=1
}
compare "-p mwaalib" -p mwaalib -e normal,build
compare "-p mwaalib-core" -p mwaalib-core -e normal,build
compare "-p mwaalib-lambda" -p mwaalib-lambda -e normal,build
compare "cargo test" --workspace -e normal,build,dev
exit $status
