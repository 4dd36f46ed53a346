"""``python -m mwaalib.testing.standin.prepare``: makes Spark start in half the CPU time.

Runs one small Spark job and lets Java keep the classes it loaded in an archive in the user's
cache, which the stand-in's Spark jobs then use. Without the archive they work as well, only slower.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from mwaalib.testing.standin.spark import JAVA_OPTIONS, SparkMissingError, spark_home

_JOB = """
import sys
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

folder = sys.argv[1]
with open(folder + "/in.csv", "w") as file:
    file.write("id,name\\n" + "".join(f'{i % 7},"n, {i}"\\n' for i in range(100)))
spark = SparkSession.builder.getOrCreate()
schema = StructType([StructField("id", IntegerType()), StructField("name", StringType())])
rows = spark.read.csv(folder + "/in.csv", header=True, schema=schema)
rows.write.mode("overwrite").parquet(folder + "/rows")
rows = spark.read.parquet(folder + "/rows")
counted = rows.groupBy("id").agg(F.count("*").alias("n"), F.avg("id").alias("a")).filter("n > 1")
counted.join(rows, "id").repartition(1).sortWithinPartitions("id").write.parquet(folder + "/out")
spark.stop()
"""


@functools.cache
def class_archive(python: str) -> Path:
    """Return where the archive for an interpreter's PySpark and the machine's Java lies, or would lie."""
    home = spark_home(python)
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    version = subprocess.run([str(java), "-version"], capture_output=True, check=False).stderr
    jars = max(jar.stat().st_mtime_ns for jar in (home / "jars").iterdir())  # Java checks them too
    digest = hashlib.sha256(f"{home} {jars} {version!r} {JAVA_OPTIONS}".encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "mwaalib" / f"spark-{digest}.jsa"


def prepare(python: str) -> Path:
    """Make the archive unless it is there.

    :param python: interpreter that has PySpark.
    :return: the archive.
    :raises SparkMissingError: there is no PySpark, or the job failed.
    """
    archive = class_archive(python)
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        job, made = Path(folder, "job.py"), archive.with_suffix(f".{os.getpid()}")
        job.write_text(_JOB)
        options = f"{JAVA_OPTIONS} -XX:ArchiveClassesAtExit={made}"
        command = [str(spark_home(python) / "bin" / "spark-submit"), "--master", "local[2]"]
        command += ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2"]
        command += ["--conf", f"spark.driver.extraJavaOptions={options}", str(job), folder]
        env = {n: v for n, v in os.environ.items() if not n.startswith("SPARK_")}
        env |= {"PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1"}
        ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if ran.returncode or not made.exists():
            made.unlink(missing_ok=True)
            raise SparkMissingError(f"Spark did not run: {(ran.stderr + ran.stdout)[-2000:]}")
        made.replace(archive)
    return archive


def main() -> int:
    """Read the command line and make the archive.

    :return: exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m mwaalib.testing.standin.prepare", description=__doc__)
    default = os.environ.get("MWAALIB_STANDIN_PYTHON", sys.executable)
    parser.add_argument("--python", default=default, help="interpreter that has PySpark")
    try:
        print(prepare(parser.parse_args().python))
    except (SparkMissingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
