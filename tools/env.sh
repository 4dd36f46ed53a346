# shellcheck shell=sh
# Source this: where things are kept and what cargo needs, the same for builds, tests, the wheel and the demo,
# so that the AWS SDK is compiled once for all of them.

ROOT=${ROOT:-$(git rev-parse --show-toplevel)}
MWAALIB_CACHE=${MWAALIB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mwaalib}
MWAALIB_TARGET=$(uname -m)-unknown-linux-gnu
export ROOT MWAALIB_CACHE MWAALIB_TARGET
export PATH="$MWAALIB_CACHE/bin:$MWAALIB_CACHE/tools/bin:$PATH"

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MWAALIB_CACHE/target}"
export CARGO_BUILD_TARGET="$MWAALIB_TARGET"
case $MWAALIB_TARGET in
aarch64*)
    export CC_aarch64_unknown_linux_gnu=mwaalib-cc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=mwaalib-cc
    ;;
*)
    export CC_x86_64_unknown_linux_gnu=mwaalib-cc CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=mwaalib-cc
    ;;
esac

# Without byte code every Airflow process compiles its thousand modules anew.
unset PYTHONDONTWRITEBYTECODE
export UV_LINK_MODE="${UV_LINK_MODE:-hardlink}" UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
