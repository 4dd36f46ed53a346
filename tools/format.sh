#!/bin/sh
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh
cargo fmt --all
tools/venv.sh dev .venv-test
.venv-test/bin/ruff check --quiet --fix .
.venv-test/bin/ruff format .
