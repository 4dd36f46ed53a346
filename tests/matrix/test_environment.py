"""The images' environments: which Python they get, and that one user has them at a time."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from image import environment  # noqa: E402
from image.catalogue import UnsupportedError, find  # noqa: E402

UV = """#!/bin/sh
echo "$UV_PYTHON_DOWNLOADS $*" >>"{log}"
case "$2" in
find) [ -e "{folder}/installed" ] && echo /fetched/python ;;
install) {install} ;;
esac
"""


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A machine without Pythons, and a uv that fetches one or fails."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")

    def make(install):
        (tmp_path / "uv").write_text(UV.format(log=tmp_path / "log", folder=tmp_path, install=install))
        (tmp_path / "uv").chmod(0o755)
        return tmp_path / "log"

    return make


def test_a_missing_python_is_fetched_though_uv_is_to_fetch_none_unasked(uv, tmp_path):
    log = uv(f"touch {tmp_path}/installed")
    assert environment.find_python("3.99") == "/fetched/python"
    assert "manual python install 3.99" in log.read_text().splitlines()


def test_a_python_that_cannot_be_had(uv):
    uv("echo no network >&2; exit 1")
    with pytest.raises(UnsupportedError, match=r"No Python 3\.99 .* could not fetch it \(no network\)"):
        environment.find_python("3.99")


def test_an_environment_has_one_user_at_a_time(tmp_path, monkeypatch):
    image = find("3.3.1")
    monkeypatch.setenv("MWAALIB_CACHE", str(tmp_path))
    monkeypatch.setattr(environment, "constraints_text", lambda *_: ("a==1\n", ""))
    monkeypatch.setattr(environment, "find_python", lambda _: sys.executable)
    monkeypatch.setattr(environment, "_run", lambda command, **_: Path(command[-1]).mkdir(exist_ok=True))
    second = threading.Event()

    def another():
        with environment.use(image) as env:
            assert env.built == 0
            second.set()

    monkeypatch.chdir(tmp_path)
    with environment.use(image):
        waits = threading.Thread(target=another)
        waits.start()
        assert not second.wait(0.5)
    assert second.wait(10)
    waits.join()
