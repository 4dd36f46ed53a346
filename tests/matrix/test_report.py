"""How the matrix judges and reports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from image.catalogue import find  # noqa: E402
from image.row import Row, warnings  # noqa: E402
from matrix import table  # noqa: E402


def test_a_row_with_a_failed_step_has_failed():
    row = Row(find("3.3.1"), {"environment": 1.0, "install": 2.0}, {"install": "pip ended with 1"})
    assert not row.passed
    assert Row(find("3.3.1"), {"environment": 1.0}).passed
    assert not Row(find("3.3.1")).passed, "a row that ran nothing has not passed"


def test_table_marks_what_failed_and_what_did_not_run():
    rows = [
        Row(find("2.9.2"), {"environment": 1.0, "install": 2.04}),
        Row(find("3.3.1"), {"environment": 1.0, "install": 2.0}, {"install": "pip ended with 1"}),
    ]
    head, good, bad = table(rows).splitlines()
    assert head.split()[:3] == ["Airflow", "Python", "environment"]
    assert good.split()[:4] == ["2.9.2", "3.11", "1.0", "2.0"]
    assert good.split()[-2:] == ["3", "passed"]
    assert "2.0 ✗" in bad
    assert bad.endswith("FAILED")


def test_warnings_are_compared_without_their_times():
    def printed(time, text):
        output = f'{time} [warning  ] {text} loc=x.py:5\n[{{"package_name": "error-reporter"}}]\nplain line\n'
        return warnings(subprocess.CompletedProcess([], 0, output, ""))

    first = printed("2026-11-22T18:30:40.081373Z", "old")
    assert first == printed("2026-11-23T09:00:00.5Z", "old")
    assert len(first) == 1
    assert printed("2026-11-22T18:30:40.081373Z", "new") != first


def test_command_line_refuses_an_unknown_version():
    command = [sys.executable, str(TOOLS / "matrix.py"), "1.10.15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "1.10.15" in done.stderr
    assert len(done.stderr.splitlines()) == 1
