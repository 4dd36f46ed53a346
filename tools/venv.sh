#!/bin/sh
# usage: tools/venv.sh NAME DIRECTORY [WHEEL]
# Make DIRECTORY a virtual environment of requirements/NAME.txt, with WHEEL installed into it. What the lock file names is
# installed once into $MWAALIB_CACHE/venvs, under a hash of the lock and the Python, and hard-linked from there.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

name=$1 directory=$2 wheel=${3:-}
lock=requirements/$name.txt
python=$(tools/find_python.sh)
key=$name-$({ cat "$lock"; "$python" --version; echo "$python"; } | sha256sum | cut -c1-12)
base=$MWAALIB_CACHE/venvs/$key

if [ ! -e "$base/.complete" ]; then
    mkdir -p "$MWAALIB_CACHE/venvs"
    exec 9>"$MWAALIB_CACHE/venvs/.$name.lock"
    flock 9
    if [ ! -e "$base/.complete" ]; then
        echo "installing $lock into $base"
        uv venv --quiet --clear --relocatable --seed --python "$python" "$base"
        uv pip install --quiet --python "$base/bin/python" --compile-bytecode -r "$lock"
        touch "$base/.complete"
    fi
fi

if [ "$(cat "$directory/.base" 2>/dev/null)" != "$key" ]; then
    rm -rf "$directory"
    mkdir -p "$(dirname "$directory")"
    cp -al "$base" "$directory" 2>/dev/null || { rm -rf "$directory"; cp -a "$base" "$directory"; }
    echo "$key" >"$directory/.base"
fi

if [ -n "$wheel" ]; then
    stamp=$(sha256sum "$wheel")
    if [ "$(cat "$directory/.wheel" 2>/dev/null)" != "$stamp" ]; then
        # The lock holds all that the wheel depends on; the stand-in's environment has no Airflow on purpose.
        uv pip install --quiet --python "$directory/bin/python" --no-deps --reinstall --compile-bytecode "$wheel"
        echo "$stamp" >"$directory/.wheel"
    fi
fi
