"""ratings.csv to Parquet: the rating as a number, the time as a timestamp."""

from __future__ import annotations

import movielens_csv
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, IntegerType, LongType, StructField, StructType

SCHEMA = StructType(
    [
        StructField("userId", IntegerType(), nullable=False),
        StructField("movieId", IntegerType(), nullable=False),
        StructField("rating", DoubleType(), nullable=False),
        StructField("timestamp", LongType(), nullable=False),
    ]
)


def shape(ratings: DataFrame) -> DataFrame:
    """Turns the seconds since 1970 into ``rated_at``, a timestamp in UTC."""
    return ratings.select("userId", "movieId", "rating", F.timestamp_seconds("timestamp").alias("rated_at"))


if __name__ == "__main__":
    movielens_csv.main("preprocess_ratings", SCHEMA, shape)
