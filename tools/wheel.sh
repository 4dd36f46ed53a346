#!/bin/sh
# Build the wheel into dist/ and print its path. Our own compiler wrapper links for manylinux_2_28, so cargo's work is shared
# with `cargo test`; maturin then checks the symbols and packs. Nothing is built when no source has changed.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

sources=$(git ls-files -co --exclude-standard -- src core python Cargo.toml Cargo.lock pyproject.toml README.md LICENSE)
# shellcheck disable=SC2086 # a list of names, none with a space
stamp=$({ cat $sources; echo "$MWAALIB_TARGET"; cat requirements/tools.txt; } | sha256sum | cut -c1-16)
wheel=$(ls dist/mwaalib-*.whl 2>/dev/null || true)
if [ -f "$wheel" ] && [ "$(cat dist/.stamp 2>/dev/null)" = "$stamp" ]; then
    echo "$PWD/$wheel"
    exit 0
fi

mkdir -p dist && rm -f dist/mwaalib-*.whl dist/.stamp
maturin build --release --locked --compatibility manylinux_2_28 --target "$MWAALIB_TARGET" --out dist >&2
wheel=$(ls dist/mwaalib-*.whl)
"$MWAALIB_CACHE/tools/bin/python" tools/repack_wheel.py "$wheel"
size=$(stat -c %s "$wheel")
if [ "$size" -gt 8000000 ]; then
    echo "$wheel has $size bytes, more than the 8 MB it may have" >&2
    exit 1
fi
auditwheel show "$wheel" >&2
echo "$stamp" >dist/.stamp
echo "$PWD/$wheel"
