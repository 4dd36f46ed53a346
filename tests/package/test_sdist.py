"""The source distribution: a wheel can be built from what it has."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The source distribution as pip unpacks it."""
    folder = tmp_path_factory.mktemp("sdist")
    command = [str(ROOT / "tools" / "run.sh"), "maturin", "sdist", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("mwaalib-*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def test_cargo_resolves_it(unpacked):
    settings = tomllib.loads((unpacked / "pyproject.toml").read_text())["tool"]["maturin"]
    # maturin leaves members of the workspace out that the wheel does not need, but not their lines in Cargo.lock.
    locked = ["--locked"] if settings.get("locked") else []
    command = ["cargo", "metadata", "--offline", "--format-version", "1", *locked]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    members = {package["name"] for package in json.loads(done.stdout)["packages"] if not package["source"]}
    assert members == {"mwaalib", "mwaalib-core"}


def test_it_has_the_sources_and_nothing_built(unpacked):
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert f"\nVersion: {version}\n" in (unpacked / "PKG-INFO").read_text()
    for name in ("LICENSE", "Cargo.lock", "src/lib.rs", "core/src/lib.rs", "python/mwaalib/__init__.py"):
        assert (unpacked / name).is_file(), name
    assert not list(unpacked.rglob("*.so"))
    assert not list(unpacked.rglob("*.pyc"))
