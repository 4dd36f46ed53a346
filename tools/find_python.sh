#!/bin/sh
# Print the path of a Python that can run the tests and the demo: the first of 3.12, 3.11 and 3.13 that starts and can
# make virtual environments. A name on PATH may be a shim that fails, so each is run.
set -eu

usable() {
    "$1" -c 'import sys, ssl, sqlite3, venv, ensurepip; print(sys.executable)' 2>/dev/null
}

for version in ${MWAALIB_PYTHON_VERSION:-3.12 3.11 3.13}; do
    for candidate in "python$version" /usr/bin/python"$version" /usr/local/bin/python"$version" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python"$version"; do
        if path=$(usable "$candidate"); then
            echo "$path"
            exit 0
        fi
    done
done
cat >&2 <<'END'
No Python 3.12, 3.11 or 3.13 with its venv, ssl and sqlite3 modules was found.
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv
  Fedora, Amazon:  sudo dnf install python3.12
  any:             pyenv install 3.12
END
exit 1
