#!/bin/sh
# usage: tools/setup.sh [--java]   with it, Java for Spark must be there too
# Check what must be on the machine and install what builds the wheel into $MWAALIB_CACHE. Cheap when nothing is to do.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
. tools/env.sh

missing=0
need() { # condition's exit code, what is missing, how to get it
    if [ "$1" -ne 0 ]; then
        printf 'missing: %s\n  get it: %s\n' "$2" "$3" >&2
        missing=1
    fi
}

code=0; [ "$(uname -s)" = Linux ] || code=1
need $code "Linux (this is $(uname -s))" "run in a Linux machine or container; the wheel is for Amazon MWAA's Linux"
code=0; cargo --version >/dev/null 2>&1 || code=1
need $code "Rust, cargo 1.95 or later" "https://rustup.rs"
if [ $code -eq 0 ]; then
    minor=$(cargo --version | sed -E 's/cargo 1\.([0-9]+).*/\1/')
    code=0; [ "$minor" -ge 95 ] || code=1
    need $code "cargo 1.95 or later (this is $(cargo --version))" "rustup update stable"
fi
if [ "${1:-}" = --java ]; then
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    major=$("$java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p')
    code=0; [ "${major:-0}" -ge 17 ] || code=1
    need $code "Java 17 or later, for Spark (found: ${major:-none})" \
        "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
fi
python=$(tools/find_python.sh) || missing=1
[ $missing -eq 0 ] || exit 1

mkdir -p "$MWAALIB_CACHE/bin"
exec 9>"$MWAALIB_CACHE/.setup.lock"
flock 9

stamp=$(sha256sum requirements/tools.txt | cut -c1-16)
if [ "$(cat "$MWAALIB_CACHE/tools/.lock-hash" 2>/dev/null)" != "$stamp" ]; then
    echo "installing build tools into $MWAALIB_CACHE/tools"
    "$MWAALIB_CACHE/tools/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$MWAALIB_CACHE/tools"
    "$MWAALIB_CACHE/tools/bin/python" -m pip --version >/dev/null 2>&1 ||
        "$MWAALIB_CACHE/tools/bin/python" -m ensurepip >/dev/null
    "$MWAALIB_CACHE/tools/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/tools.txt
    echo "$stamp" >"$MWAALIB_CACHE/tools/.lock-hash"
fi

write() { # name; content from standard input. Left alone where it is the same already.
    cat >"$MWAALIB_CACHE/bin/$1.$$"
    chmod +x "$MWAALIB_CACHE/bin/$1.$$"
    if cmp -s "$MWAALIB_CACHE/bin/$1.$$" "$MWAALIB_CACHE/bin/$1"; then
        rm "$MWAALIB_CACHE/bin/$1.$$"
    else
        mv "$MWAALIB_CACHE/bin/$1.$$" "$MWAALIB_CACHE/bin/$1"
    fi
}

# The C compiler and linker: zig, told to link against the glibc that manylinux_2_28 promises. The extension module is linked
# a second time with functions of the same machine code folded into one, which zig's own front end cannot be asked for.
compiler() { # name, machine
    write "$1" <<END
#!/bin/sh
# C compiler and linker for glibc 2.28 (manylinux_2_28): zig from PyPI. Written by tools/setup.sh.
tools="$MWAALIB_CACHE/tools/bin"
export CARGO_ZIGBUILD_PYTHON_PATH="\$tools/python"
cc() { "\$tools/cargo-zigbuild" zig cc -- -target $2-linux-gnu.2.28 "\$@"; }
case " \$* " in
*/lib_core.so" "*)
    log=\$(mktemp)
    trap 'rm -f "\$log"' EXIT
    cc "\$@" --verbose >"\$log" 2>&1 || { cat "\$log" >&2; exit 1; }
    line=\$(sed -n 's/^ld\.lld //p' "\$log" | tail -n 1)
    # shellcheck disable=SC2086 # zig prints its arguments without quotes
    [ -n "\$line" ] && "\$tools/python" -m ziglang ld.lld \$line --icf=all && exit 0
    echo "$1: identical functions could not be folded; the module is larger than it need be" >&2
    cc "\$@"
    ;;
*) cc "\$@" ;;
esac
END
}
compiler mwaalib-cc "$(uname -m)"
for machine in x86_64 aarch64; do
    [ "$machine" = "$(uname -m)" ] || compiler "mwaalib-cc-$machine" "$machine"
done
write mwaalib-ar <<END
#!/bin/sh
# Archiver for every machine: zig from PyPI. Written by tools/setup.sh.
exec "$MWAALIB_CACHE/tools/bin/python" -m ziglang ar "\$@"
END
