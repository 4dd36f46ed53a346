"""tools/wheel.sh: which wheels it builds, when, and what it refuses; cargo and auditwheel are stood in for."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from audit_wheel import find_tag, fits  # noqa: E402

HERE = platform.machine()
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}[HERE]
MATURIN = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
echo "$2" >>"$LOG"
machine=${2%%-*} python3 -c '
import os, zipfile
name = f"dist/mwaalib-0.1.0-cp310-abi3-manylinux_2_28_{os.environ["machine"]}.whl"
with zipfile.ZipFile(name, "w") as wheel: wheel.writestr("x", b"")
'
"""
AUDITWHEEL = """#!/bin/sh
machine=${2##*28_}
echo "x is consistent with"
echo "the following platform tag: \\"${TAG}_${machine%.whl}\\"."
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the script, and a run of it that returns what it printed and what it built."""
    cache, log = tmp_path / "cache", tmp_path / "built"
    for name in ("wheel.sh", "env.sh", "repack_wheel.py", "audit_wheel.py"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)
    for name in ("src", "requirements", "cache/bin", "cache/tools/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "requirements" / "tools.txt").touch()
    (tmp_path / "src" / "lib.rs").write_text("1")
    programs = {"maturin": MATURIN, "auditwheel": AUDITWHEEL, "rustc": f"#!/bin/sh\necho {tmp_path}/$4\n"}
    for name, text in programs.items():
        (cache / "tools" / "bin" / name).write_text(text)
        (cache / "tools" / "bin" / name).chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(cache / "tools")], check=True)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setenv("MWAALIB_CACHE", str(cache))
    monkeypatch.setenv("CARGO_TARGET_DIR", str(cache / "target"))
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("TAG", "manylinux_2_28")

    def run(*arguments):
        log.write_text("")
        command = [str(tmp_path / "tools" / "wheel.sh"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        printed = [Path(line).name.rpartition("2_28_")[2] for line in done.stdout.splitlines()]
        return done, printed, log.read_text().split()

    return tmp_path, run


def test_this_machines_wheel_once(checkout):
    folder, run = checkout
    done, printed, built = run()
    assert (done.returncode, printed) == (0, [f"{HERE}.whl"]), done.stderr
    assert built == [f"{HERE}-unknown-linux-gnu"]
    assert run()[2] == []
    (folder / "src" / "lib.rs").write_text("2")
    assert run()[2] == [f"{HERE}-unknown-linux-gnu"]


def test_another_checkouts_build_does_not_pass_for_this_ones(checkout):
    folder, run = checkout
    source, marker = folder / "src" / "lib.rs", folder / "cache" / "target" / ".checkout"
    run()
    old = source.stat().st_mtime - 3600
    os.utime(source, (old, old))
    run()
    assert source.stat().st_mtime == old, "nothing else was built meanwhile"
    marker.write_text("/another/checkout\n")
    run()
    assert source.stat().st_mtime > old
    assert marker.read_text() == f"{folder}\n"


def test_the_other_architecture_where_its_target_is_installed(checkout):
    folder, run = checkout
    assert run("all")[1] == [f"{HERE}.whl"]
    (folder / f"{OTHER}-unknown-linux-gnu").mkdir()
    done, printed, built = run("all")
    assert (done.returncode, printed) == (0, ["aarch64.whl", "x86_64.whl"]), done.stderr
    assert built == [f"{OTHER}-unknown-linux-gnu"]
    assert run()[1:] == ([f"{HERE}.whl"], [])


def test_a_wheel_for_a_newer_glibc_is_refused(checkout, monkeypatch):
    _, run = checkout
    monkeypatch.setenv("TAG", "manylinux_2_34")
    done, printed, _ = run()
    assert done.returncode != 0
    assert printed == []
    assert f"fits manylinux_2_34_{HERE}, not manylinux_2_28 or older" in done.stderr
    assert run()[2], "it is built again, not taken for good"


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("manylinux_2_28_x86_64", True),
        ("manylinux_2_17_aarch64", True),
        ("manylinux_2_34_x86_64", False),
        ("linux_x86_64", False),
        ("musllinux_1_2_x86_64", False),
        ("", False),
    ],
)
def test_tags(tag, right):
    report = f'\nmwaalib-0.1.0.whl is consistent with the\nfollowing platform tag: "{tag}".\n'
    assert find_tag(report) == tag
    assert fits(tag) is right
