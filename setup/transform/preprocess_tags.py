"""tags.csv to Parquet: the tag as the user wrote it, the time as a timestamp."""

from __future__ import annotations

import movielens_csv
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

# GroupLens has a few tags of spaces only, which a CSV reader may take for no value.
SCHEMA = StructType(
    [
        StructField("userId", IntegerType(), nullable=False),
        StructField("movieId", IntegerType(), nullable=False),
        StructField("tag", StringType(), nullable=True),
        StructField("timestamp", LongType(), nullable=False),
    ]
)


def shape(tags: DataFrame) -> DataFrame:
    """Drops empty tags and turns the seconds since 1970 into ``tagged_at``, a timestamp in UTC."""
    return tags.filter(F.trim("tag") != "").select(
        "userId", "movieId", "tag", F.timestamp_seconds("timestamp").alias("tagged_at")
    )


if __name__ == "__main__":
    movielens_csv.main("preprocess_tags", SCHEMA, shape)
