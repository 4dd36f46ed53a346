#!/bin/sh
# usage: tools/run.sh COMMAND...   run a command with the build's environment
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh
exec "$@"
