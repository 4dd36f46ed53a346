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
# Cargo knows our own crates by their place in the workspace, whatever checkout that is: what another checkout has built
# since would pass for a build of this one's older sources.
if [ "$(cat "$CARGO_TARGET_DIR/.checkout" 2>/dev/null)" != "$ROOT" ]; then
    mkdir -p "$CARGO_TARGET_DIR"
    git -C "$ROOT" ls-files -z --cached --others --exclude-standard -- '*.rs' | (cd "$ROOT" && xargs -0r touch -c)
    echo "$ROOT" >"$CARGO_TARGET_DIR/.checkout"
fi
# The names for this machine's own target must stay: cargo compiles all anew when they change.
case $MWAALIB_TARGET in
aarch64*) mwaalib_other=x86_64 mwaalib_here=mwaalib-cc-x86_64 mwaalib_arm=mwaalib-cc ;;
*) mwaalib_other=aarch64 mwaalib_here=mwaalib-cc mwaalib_arm=mwaalib-cc-aarch64 ;;
esac
export CC_x86_64_unknown_linux_gnu=$mwaalib_here CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=$mwaalib_here
export CC_aarch64_unknown_linux_gnu=$mwaalib_arm CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$mwaalib_arm
export "AR_${mwaalib_other}_unknown_linux_gnu=mwaalib-ar" # the system's knows its own machine alone
unset mwaalib_other mwaalib_here mwaalib_arm

# Without byte code every Airflow process compiles its thousand modules anew.
unset PYTHONDONTWRITEBYTECODE
export UV_LINK_MODE="${UV_LINK_MODE:-hardlink}" UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
