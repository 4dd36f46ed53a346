"""The user's own requirements: what is kept, what is left out and said, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import make_mwaa  # noqa: E402
from image import own  # noqa: E402
from image.catalogue import UnsupportedError  # noqa: E402
from support.wheel_file import GOOD, make_wheel  # noqa: E402

THEIRS = "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"


@pytest.fixture
def read(tmp_path):
    def run(text, offline=False):
        (tmp_path / "mine.txt").write_text(text)
        return own.read(tmp_path / "mine.txt", offline)

    return run


@pytest.mark.parametrize(
    "line",
    [
        "duckdb==1.4.0",
        "mwaalib-extras==1.0",
        "--extra-index-url https://pypi.example.com/simple",
        "--find-links https://wheels.example.com/",
        "-f /usr/local/airflow/dags/wheels",
        "-c /usr/local/airflow/dags/own-constraints.txt",
        "--constraint https://example.com/constraints.txt",
        "--no-index",
        "# a comment",
    ],
)
def test_lines_that_are_kept(read, line):
    assert read(f"{line}\n") == own.OwnLines([line], [])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'--constraint "{THEIRS}"', "of the chosen Airflow"),
        (f"-c {THEIRS}", "of the chosen Airflow"),
        ("mwaalib==0.0.1", "the wheel in plugins.zip"),
        ("mwaalib", "the wheel in plugins.zip"),
        (f"/usr/local/airflow/plugins/{GOOD}", "the wheel in plugins.zip"),
    ],
)
def test_lines_that_ours_take_the_place_of(read, line, said):
    kept, dropped = (found := read(f"duckdb\n{line}\n")).kept, found.dropped
    assert kept == ["duckdb"]
    assert len(dropped) == 1
    assert f"mine.txt:2: left out {line!r}" in dropped[0]
    assert said in dropped[0]


def test_what_ours_says_already_is_left_out_without_a_word(read):
    text = "# Amazon MWAA 3.2.1: Airflow 3.2.1, Python 3.12\n--find-links /usr/local/airflow/plugins/\n"
    assert read(text) == own.OwnLines([], [])
    assert read("--no-index\n", offline=True) == own.OwnLines([], [])


def test_without_internet_addresses_are_left_out(read):
    found = read("-f https://wheels.example.com/\n-c https://example.com/c.txt\nduckdb\n", offline=True)
    assert found.kept == ["duckdb"]
    assert all("without internet access" in line for line in found.dropped)
    assert len(found.dropped) == 2


@pytest.mark.parametrize("line", ["-r more.txt", "--constraint old.txt", "--find-links ./wheels"])
def test_files_that_are_not_there_on_mwaa_are_refused(read, line):
    with pytest.raises(UnsupportedError, match=r"mine\.txt:2: .* a file that Amazon MWAA does not have"):
        read(f"duckdb\n{line}\n")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UnsupportedError, match="cannot be read"):
        own.read(tmp_path / "none.txt", offline=False)


def test_make_mwaa_says_what_it_left_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.txt").write_text("duckdb\nmwaalib==0.0.1\n")
    offline = tmp_path / "out" / "offline"
    offline.mkdir(parents=True)
    (offline / "plugins.zip").write_bytes(b"of an earlier run")
    # The constraints for the offline variant are not to be had.
    monkeypatch.setenv("MWAA_CONSTRAINTS_DIR", str(tmp_path / "none"))
    arguments = ["--wheel", str(make_wheel(tmp_path)), "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["make_mwaa", *arguments, "--requirements", str(tmp_path / "mine.txt")])
    assert make_mwaa.main() == 0
    assert "mine.txt:2: left out 'mwaalib==0.0.1'" in capsys.readouterr().err
    assert (tmp_path / "out" / "requirements.txt").read_text().endswith(f"{GOOD}\nduckdb\n")
    assert not offline.exists(), "a stale one is worse than none"
