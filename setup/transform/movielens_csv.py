"""How the preprocess scripts read a MovieLens CSV file and write it as Parquet.

Shipped beside them with ``spark-submit --py-files``. Runs on Python 3.9, which EMR 7 has.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

CORRUPT = "_corrupt_record"


class CorruptRowsError(Exception):
    """More rows of a CSV file cannot be read than the caller tolerates."""


def session(name: str) -> SparkSession:
    """A Spark session that reads times as UTC whatever the cluster's zone is."""
    return SparkSession.builder.appName(name).config("spark.sql.session.timeZone", "UTC").getOrCreate()


def read(spark: SparkSession, path: str, schema: StructType, max_corrupt_rows: int = 0) -> DataFrame:
    """Reads a MovieLens CSV file with a given schema.

    A row is corrupt when it has too few or too many columns, a value of another type, or no value
    where the schema allows none. Corrupt rows are counted, shown and left out.

    :param path: address of the file, or of a directory of such files
    :param schema: the columns in their order; the header must name the same
    :param max_corrupt_rows: how many corrupt rows to tolerate
    :raises CorruptRowsError: when there are more
    """
    # CSV has no types that forbid null, so the reader's own schema is nullable throughout.
    columns = [StructField(field.name, field.dataType) for field in schema.fields]
    rows = spark.read.csv(
        path,
        schema=StructType([*columns, StructField(CORRUPT, StringType())]),
        header=True,
        enforceSchema=False,
        mode="PERMISSIVE",
        columnNameOfCorruptRecord=CORRUPT,
        encoding="UTF-8",
        quote='"',
        escape='"',  # MovieLens doubles a quote within quotes; Spark's default is a backslash
    ).persist()
    corrupt = F.col(CORRUPT).isNotNull()
    for field in schema.fields:
        if not field.nullable:
            corrupt = corrupt | F.col(field.name).isNull()
    bad = rows.filter(corrupt)
    count = bad.count()
    if count:
        sample = [row.asDict() for row in bad.limit(3).collect()]
        message = f"{path}: {count} corrupt rows, {max_corrupt_rows} tolerated, the first: {sample}"
        if count > max_corrupt_rows:
            raise CorruptRowsError(message)
        print(f"WARNING {message}", file=sys.stderr)
    return rows.filter(~corrupt).drop(CORRUPT)


def main(
    name: str,
    schema: StructType,
    shape: Callable[[DataFrame], DataFrame],
    argv: Sequence[str] | None = None,
) -> None:
    """Command line of a preprocess script: CSV in, Parquet out."""
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--input", required=True, help="address of the CSV file")
    parser.add_argument("--output", required=True, help="where the Parquet files go; replaced if there")
    parser.add_argument("--max-corrupt-rows", type=int, default=0, help="corrupt rows to tolerate")
    arguments = parser.parse_args(argv)
    spark = session(name)
    try:
        rows = shape(read(spark, arguments.input, schema, arguments.max_corrupt_rows))
        rows.write.mode("overwrite").parquet(arguments.output)
    finally:
        spark.catalog.clearCache()
    print(f"{name}: {arguments.input} written to {arguments.output}")
