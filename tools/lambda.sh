#!/bin/sh
# Build the Lambda functions and pack them into dist/lambda/ as deploy.sh uploads them.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh
# The whole workspace, so that the features of shared crates are those of every other build.
cargo build --release --locked --workspace --bins
exec "$MWAALIB_CACHE/tools/bin/python" tools/pack_lambda.py "$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/release"
