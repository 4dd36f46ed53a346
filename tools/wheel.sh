#!/bin/sh
# usage: tools/wheel.sh [all]
# Build the wheel of this machine into dist/ and print its path; with `all` also that of the other architecture, if its Rust
# target is installed, and x86_64's, which Amazon MWAA runs, is printed last. Our own compiler wrapper links for
# manylinux_2_28, so cargo's work is shared with `cargo test`. Nothing is built when no source has changed.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

sources=$(git ls-files -co --exclude-standard -- src core python Cargo.toml Cargo.lock pyproject.toml README.md LICENSE)
# shellcheck disable=SC2086 # a list of names, none with a space
state=$({ cat $sources; cat requirements/tools.txt; } | sha256sum | cut -c1-16)

build() { # machine
    target=$1-unknown-linux-gnu stamp=dist/.stamp-$1
    wheel=$(ls dist/mwaalib-*"_$1.whl" 2>/dev/null || true)
    if [ ! -f "$wheel" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$state" ]; then
        mkdir -p dist && rm -f dist/mwaalib-*"_$1.whl" "$stamp"
        maturin build --release --locked --compatibility manylinux_2_28 --target "$target" --out dist >&2
        wheel=$(ls dist/mwaalib-*"_$1.whl")
        "$MWAALIB_CACHE/tools/bin/python" tools/repack_wheel.py "$wheel"
        size=$(stat -c %s "$wheel")
        if [ "$size" -gt 8000000 ]; then
            echo "$wheel has $size bytes, more than the 8 MB it may have" >&2
            exit 1
        fi
        "$MWAALIB_CACHE/tools/bin/python" tools/audit_wheel.py "$wheel" >&2
        echo "$state" >"$stamp"
    fi
    echo "$PWD/$wheel"
}

for machine in aarch64 x86_64; do
    if [ "$machine-unknown-linux-gnu" = "$MWAALIB_TARGET" ]; then
        build "$machine"
    elif [ "${1:-}" = all ] && [ -d "$(rustc --print target-libdir --target "$machine-unknown-linux-gnu")" ]; then
        build "$machine"
    fi
done
