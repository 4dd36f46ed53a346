"""The tables that a finished demo left, beside what DuckDB makes of the same CSV files."""

from __future__ import annotations

import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytestmark = pytest.mark.demo

HOME = Path(os.environ.get("DEMO_DIR") or Path(__file__).parents[2] / ".demo")
MINIMUM_RATINGS = int(json.loads(os.environ.get("CONF") or "{}").get("minimum_ratings", 1))


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    assert (HOME / "report.html").exists(), f"there is no finished demo in {HOME}; run: make demo"
    connection = duckdb.connect()
    for name, columns in (
        ("movies", "{'movieId': 'INTEGER', 'title': 'VARCHAR', 'genres': 'VARCHAR'}"),
        ("ratings", "{'userId': 'INTEGER', 'movieId': 'INTEGER', 'rating': 'DOUBLE', 'timestamp': 'BIGINT'}"),
    ):
        connection.sql(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv('{HOME}/raw/{name}.csv', header = true, "
            f"""quote = '"', escape = '"', columns = {columns})"""
        )
    return connection


def curated(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> list[tuple[Any, ...]]:
    # In the order in which the job has written them, which is part of what it promises.
    source = f"read_parquet('{HOME}/curated/{name}/*.parquet')"
    return connection.sql(f"SELECT {columns} FROM {source}").fetchall()


def test_most_popular_movies(database: duckdb.DuckDBPyConnection) -> None:
    expected = database.sql(
        "SELECT movieId, count(*), any_value(title), any_value(genres) FROM ratings JOIN movies USING (movieId) "
        "GROUP BY movieId ORDER BY count(*) DESC, movieId"
    ).fetchall()
    found = curated(database, "most_popular_movies", "movieId, num_ratings, title, genres")
    assert len(found) > 0
    assert found == expected


def test_top_rated_movies(database: duckdb.DuckDBPyConnection) -> None:
    # Ratings are whole halves, so that their sum is exact in any order.
    expected = database.sql(
        "SELECT movieId, sum(rating) / count(*) AS average, any_value(title), any_value(genres) "
        "FROM ratings JOIN movies USING (movieId) GROUP BY movieId "
        f"HAVING count(*) >= {MINIMUM_RATINGS} ORDER BY average DESC, movieId"
    ).fetchall()
    found = curated(database, "top_rated_movies", "movieId, avg_rating, title, genres")
    assert len(found) == len(expected) > 0
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours[0], *ours[2:]) == (theirs[0], *theirs[2:])
        assert math.isclose(ours[1], theirs[1], rel_tol=1e-12)


def test_raw_files_are_the_data_set(database: duckdb.DuckDBPyConnection) -> None:
    dataset = os.environ.get("DATASET", "")
    if not dataset.endswith(".zip") or not Path(dataset).is_file():
        pytest.skip("DATASET names no file to compare with")
    with zipfile.ZipFile(dataset) as archive:
        for member in archive.namelist():
            if member.endswith(("movies.csv", "ratings.csv")):
                assert (HOME / "raw" / Path(member).name).read_bytes() == archive.read(member)


def test_the_crawlers_tables_lead_to_the_files(database: duckdb.DuckDBPyConnection) -> None:
    tables = {t["Name"]: t for t in json.loads((HOME / "catalog.json").read_text())["TableList"]}
    assert set(tables) == {"most_popular_movies", "top_rated_movies"}
    for name, (measure, kind) in {
        "most_popular_movies": ("num_ratings", "bigint"),
        "top_rated_movies": ("avg_rating", "double"),
    }.items():
        storage = tables[name]["StorageDescriptor"]
        columns = [(column["Name"].lower(), column["Type"]) for column in storage["Columns"]]
        assert columns == [("movieid", "int"), (measure, kind), ("title", "string"), ("genres", "string")]
        assert storage["Location"].endswith(f"/curated/{name}/")
        assert name in (HOME / "report.html").read_text()


def test_report(database: duckdb.DuckDBPyConnection) -> None:
    page = (HOME / "report.html").read_text()
    first = curated(database, "most_popular_movies", "title, num_ratings")[0]
    assert page.count("<svg") == 3, "timeline and two charts"
    assert f">{first[1]}<" in page
    assert "http://" not in page.replace("http://127.0.0.1", ""), "nothing is loaded from elsewhere"
    assert "preprocess_ratings: deferred" in page
