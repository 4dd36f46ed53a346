"""Glue job: the most popular and the top rated movies, as Parquet for the curated tables.

Plain Spark, so that the same script runs as a Glue job, in spark-submit and in a test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def most_popular(movies: DataFrame, ratings: DataFrame) -> DataFrame:
    """Movies by their number of ratings; of equals, the one with the lower ``movieId`` first.

    Columns: movieId, num_ratings, title, genres.
    """
    counted = ratings.groupBy("movieId").agg(F.count("*").alias("num_ratings"))
    ranked = counted.join(movies, "movieId").select("movieId", "num_ratings", "title", "genres")
    return in_order(ranked, F.desc("num_ratings"), F.asc("movieId"))


def top_rated(movies: DataFrame, ratings: DataFrame, minimum_ratings: int = 1) -> DataFrame:
    """Movies by their average rating; of equals, the one with the lower ``movieId`` first.

    Columns: movieId, avg_rating, title, genres.

    :param minimum_ratings: movies with fewer ratings are left out
    """
    averages = (
        ratings.groupBy("movieId")
        .agg(F.avg("rating").alias("avg_rating"), F.count("*").alias("num_ratings"))
        .filter(F.col("num_ratings") >= minimum_ratings)
    )
    ranked = averages.join(movies, "movieId").select("movieId", "avg_rating", "title", "genres")
    return in_order(ranked, F.desc("avg_rating"), F.asc("movieId"))


def in_order(rows: DataFrame, *order: object) -> DataFrame:
    """One partition, hence one file, sorted: some tens of thousands of movies fit easily."""
    return rows.repartition(1).sortWithinPartitions(*order)


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def main(argv: Sequence[str] | None = None) -> None:
    """Command line of the job."""
    parser = argparse.ArgumentParser(prog="movielens_glue_transform")
    parser.add_argument("--input", required=True, help="where movies/ and ratings/ lie as Parquet")
    parser.add_argument("--output", required=True, help="where most_popular_movies/ and top_rated_movies/ go")
    parser.add_argument("--minimum_ratings", type=positive, default=1)
    # Glue adds arguments of its own, such as --JOB_NAME.
    arguments, _ = parser.parse_known_args(argv)
    source, target = arguments.input.rstrip("/"), arguments.output.rstrip("/")

    spark = SparkSession.builder.appName("movielens_glue_transform").getOrCreate()
    movies = spark.read.parquet(f"{source}/movies/").persist()
    ratings = spark.read.parquet(f"{source}/ratings/").persist()
    try:
        for name, rows in (
            ("most_popular_movies", most_popular(movies, ratings)),
            ("top_rated_movies", top_rated(movies, ratings, arguments.minimum_ratings)),
        ):
            rows.write.mode("overwrite").parquet(f"{target}/{name}/")
            print(f"{name} written to {target}/{name}/")
    finally:
        spark.catalog.clearCache()


if __name__ == "__main__":
    main()
