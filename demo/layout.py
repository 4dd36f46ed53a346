"""Where the demo keeps what it makes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKER = "MWAALIB_DEMO"
MWAA_BUCKET = "mwaa-demo-environment"
DATA_BUCKET = "mwaa-demo-movielens"
DATABASE = "mwaa-movielens-demo-db"
DAG_ID = "mwaa_movielens_demo"


@dataclass(frozen=True)
class Layout:
    """The demo's directory, ``.demo`` unless ``DEMO_DIR`` says otherwise.

    :param home: the directory.
    """

    home: Path

    @classmethod
    def from_environment(cls) -> Layout:
        """Return the layout that the user asks for."""
        return cls(Path(os.environ.get("DEMO_DIR") or ROOT / ".demo").resolve())

    @property
    def airflow_python(self) -> Path:
        """The interpreter with Airflow and the wheel."""
        return self.home / "venv" / "bin" / "python"

    @property
    def standin_python(self) -> Path:
        """The interpreter with the stand-in, Spark and the AWS CLI; it has no Airflow."""
        return self.home / "standin-venv" / "bin" / "python"

    @property
    def marker(self) -> str:
        """The environment entry that all processes of this demo carry."""
        return f"{MARKER}={hashlib.sha256(str(self.home).encode()).hexdigest()[:16]}"

    def folder(self, name: str) -> Path:
        """Return a directory of the demo, made if needed."""
        path = self.home / name
        path.mkdir(parents=True, exist_ok=True)
        return path
