#!/bin/sh
# usage: tools/venv.sh NAME
# Make the virtual environment of requirements/NAME.txt, or find it made, and print its path. It is kept in
# $MWAALIB_CACHE/venvs under a hash of the lock file and of the Python, so checkouts share it and a new lock makes a new one.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

name=$1
lock=requirements/$name.txt
python=$(tools/find_python.sh)
key=$({ cat "$lock"; "$python" --version; echo "$python"; } | sha256sum | cut -c1-12)
venv=$MWAALIB_CACHE/venvs/$name-$key
if [ ! -e "$venv/.complete" ]; then
    mkdir -p "$MWAALIB_CACHE/venvs"
    exec 9>"$MWAALIB_CACHE/venvs/.$name.lock"
    flock 9
    if [ ! -e "$venv/.complete" ]; then
        echo "installing $lock into $venv" >&2
        uv venv --quiet --clear --seed --python "$python" "$venv" >&2
        VIRTUAL_ENV=$venv uv pip install --quiet --compile-bytecode -r "$lock" >&2
        touch "$venv/.complete"
    fi
fi
echo "$venv"
