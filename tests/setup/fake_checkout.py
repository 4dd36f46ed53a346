"""A checkout with what deploy.sh uploads, made in no time."""

from __future__ import annotations

import io
import pathlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).parents[2]
FUNCTIONS = ("process_movielens", "checkjob_movielens", "crawl_movielens", "error_movielens")


class Checkout:
    """The scripts of this checkout beside stand-ins for what `make` builds.

    :param root: an empty directory
    :param environment: for the scripts
    """

    def __init__(self, root: pathlib.Path, environment: Mapping[str, str]) -> None:
        self.root = root
        # The AWS CLI is installed beside the interpreter of the tests, unless another comes first.
        path = f"{environment['PATH']}:{pathlib.Path(sys.executable).parent}"
        self.environment = {
            **environment,
            "PATH": path,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        shutil.copytree(ROOT / "setup", root / "setup", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "dags", root / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "dist" / "lambda").mkdir(parents=True)
        for name in FUNCTIONS:
            self.pack_function(name, "#!/bin/sh\nexit 1\n")
        self.pack_plugins("mwaalib-0.1.0-cp310-abi3-manylinux_2_28_x86_64.whl")
        self.write_requirements("3.3.1")

    def pack_function(self, name: str, source: str) -> None:
        with zipfile.ZipFile(self.root / "dist" / "lambda" / f"{name}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("bootstrap"), source)

    def pack_plugins(self, *names: str) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), name)
        (self.root / "dist" / "plugins.zip").write_bytes(packed.getvalue())

    def write_requirements(self, airflow: str, version: str = "0.1.0") -> None:
        """What make mwaa writes for an Airflow version."""
        text = f"# Amazon MWAA {airflow}: Airflow {airflow}, Python 3.12\nmwaalib=={version}\n"
        (self.root / "dist" / "requirements.txt").write_text(text)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs setup/<script>.sh to its end."""
        return subprocess.run(
            [str(self.root / "setup" / f"{script}.sh"), *arguments],
            env={**self.environment, **environment},
            cwd=self.root.parent,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
