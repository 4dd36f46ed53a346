#!/bin/sh
# Build the documentation into dist/docs; a warning or a link that leads nowhere is an error.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

tools/venv.sh docs .venv-docs
.venv-docs/bin/python -m sphinx -W --keep-going -q -b html -d dist/.doctrees docs dist/docs
.venv-docs/bin/python tools/check_links.py dist/docs
echo "dist/docs/index.html"
