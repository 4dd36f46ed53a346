"""The scripts on what EMR 7 and Glue 5.1 have: Python 3.9 and Spark 3.5. The other tests run them on Spark 4."""

from __future__ import annotations

import ast
import os
import pathlib
import subprocess
from typing import Any

import pytest
from curated_tables import computed, table

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "setup" / "transform").glob("*.py"))
PIPELINE = """
import sys
import movielens_csv, movielens_glue_transform, preprocess_movies, preprocess_ratings, preprocess_tags
import pyspark

raw = sys.argv[1]
for script in (preprocess_movies, preprocess_ratings, preprocess_tags):
    name = script.__name__.partition("_")[2]
    movielens_csv.main(
        name, script.SCHEMA, script.shape, ["--input", f"{raw}/{name}.csv", "--output", f"{raw}/processed/{name}"]
    )
movielens_glue_transform.main(["--input", f"{raw}/processed", "--output", f"{raw}/curated"])
with open(f"{raw}/ratings.csv", "a") as file:
    file.write("9,8,x,1\\n")
try:
    script = preprocess_ratings
    movielens_csv.main("ratings", script.SCHEMA, script.shape, ["--input", f"{raw}/ratings.csv", "--output", raw])
except movielens_csv.CorruptRowsError as error:
    print(pyspark.__version__, error)
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_python_3_9_takes_the_scripts(script: pathlib.Path) -> None:
    tree = ast.parse(script.read_text(), feature_version=(3, 9))
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert "annotations" in imported, "without it Python 3.9 evaluates `int | None`"
    strict = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(keyword.arg == "strict" for keyword in node.keywords)
    ]
    assert strict == [], "zip(strict=) came with Python 3.10"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_3_5_makes_the_same_tables(raw: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = tmp_path_factory.mktemp("spark35") / "venv"
    made = subprocess.run(
        [ROOT / "tools" / "venv.sh", "spark35", environment], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    expected = computed(raw)
    python = str(environment / "bin" / "python")
    done = subprocess.run(
        [python, "-c", PIPELINE, str(raw)],
        env={
            **spark_free_environment(),
            "PYTHONPATH": str(SCRIPTS[0].parent),
            "PYSPARK_PYTHON": python,
            "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false "
            "--conf spark.sql.shuffle.partitions=2 pyspark-shell",
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        cwd=raw,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (table(raw, "most_popular_movies"), table(raw, "top_rated_movies")) == expected
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("3.5.6 ")
    assert "1 corrupt rows, 0 tolerated" in last


def spark_free_environment() -> dict[str, Any]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
