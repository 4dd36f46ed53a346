"""movies.csv to Parquet: titles and genres as they are, the release year and the genres taken apart."""

from __future__ import annotations

import movielens_csv
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

SCHEMA = StructType(
    [
        StructField("movieId", IntegerType(), nullable=False),
        StructField("title", StringType(), nullable=False),
        StructField("genres", StringType(), nullable=False),
    ]
)
NO_GENRES = "(no genres listed)"


def shape(movies: DataFrame) -> DataFrame:
    """Adds ``year`` (null where the title has none) and ``genre_list`` (empty where none is listed)."""
    year = F.regexp_extract("title", r"\((\d{4})\)\s*$", 1)
    return movies.select(
        "movieId",
        "title",
        "genres",
        F.when(year != "", year.cast("int")).alias("year"),
        F.when(F.col("genres") == NO_GENRES, F.array().cast("array<string>"))
        .otherwise(F.split("genres", r"\|"))
        .alias("genre_list"),
    )


if __name__ == "__main__":
    movielens_csv.main("preprocess_movies", SCHEMA, shape)
