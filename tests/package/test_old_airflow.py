"""An Airflow that is too old says so at the first import."""

from __future__ import annotations

import subprocess
import sys


def test_too_old_an_airflow_is_named(tmp_path):
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").touch()
    metadata = tmp_path / "apache_airflow-2.7.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: apache-airflow\nVersion: 2.7.2\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mwaalib.operators.glue"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert "mwaalib needs Airflow 2.9 or later; this is Airflow 2.7.2, which has no " in last
