"""The preprocess scripts against Python's own csv module."""

from __future__ import annotations

import csv
import datetime
import importlib
import pathlib
from typing import Any

import pytest

pytest.importorskip("pyspark")


def run(name: str, raw: pathlib.Path, spark: Any, *more: str) -> list[dict[str, Any]]:
    import movielens_csv

    script = importlib.import_module(f"preprocess_{name}")
    output = raw / "out" / name
    arguments = ["--input", str(raw / f"{name}.csv"), "--output", str(output), *more]
    movielens_csv.main(f"preprocess_{name}", script.SCHEMA, script.shape, arguments)
    return [row.asDict() for row in spark.read.parquet(str(output)).collect()]


def source(name: str, raw: pathlib.Path) -> list[dict[str, str]]:
    with (raw / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_movies_keep_every_title_and_genre(raw: pathlib.Path, spark: Any) -> None:
    movies = {row["movieId"]: row for row in run("movies", raw, spark)}
    expected = source("movies", raw)
    assert len(movies) == len(expected)
    for row in expected:
        movie = movies[int(row["movieId"])]
        assert (movie["title"], movie["genres"]) == (row["title"], row["genres"])
    assert movies[1]["genre_list"] == ["Adventure", "Animation"]
    assert movies[50]["genre_list"] == []
    assert (movies[50]["year"], movies[60]["year"]) == (2001, None)
    assert movies[40]["title"] == '"Great Performances" Cats (1998)'


def test_ratings_are_numbers_and_times(raw: pathlib.Path, spark: Any) -> None:
    ratings = run("ratings", raw, spark)
    utc = datetime.timezone.utc
    assert sorted((r["userId"], r["movieId"], r["rating"]) for r in ratings) == sorted(
        (int(r["userId"]), int(r["movieId"]), float(r["rating"])) for r in source("ratings", raw)
    )
    times = {(r["userId"], r["movieId"]): r["rated_at"].astimezone(utc) for r in ratings}
    assert times[1, 11] == datetime.datetime(1970, 1, 1, tzinfo=utc)
    assert times[1, 1] == datetime.datetime.fromtimestamp(1260759144, utc)


def test_tags_keep_quotes_and_drop_blanks(raw: pathlib.Path, spark: Any) -> None:
    assert {row["tag"] for row in run("tags", raw, spark)} == {'fun, "really"', "Überraschung"}


@pytest.mark.parametrize(
    "line",
    ["9,8,x,1260759144", "9,8", "9,8,4.0,1260759144,extra", ",8,4.0,1260759144", "9,8,4.0,"],
    ids=["no number", "too few", "too many", "no user", "no time"],
)
def test_corrupt_rows_are_refused_then_counted(
    raw: pathlib.Path, spark: Any, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from movielens_csv import CorruptRowsError

    whole = len(source("ratings", raw))
    with (raw / "ratings.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(CorruptRowsError, match="1 corrupt rows, 0 tolerated"):
        run("ratings", raw, spark)
    assert len(run("ratings", raw, spark, "--max-corrupt-rows", "1")) == whole
    assert "WARNING" in capfd.readouterr().err


def test_another_header_is_refused(raw: pathlib.Path, spark: Any) -> None:
    file = raw / "movies.csv"
    file.write_text(file.read_text().replace("movieId,title,genres", "movieId,genres,title"))
    with pytest.raises(Exception, match=r"(?i)header"):
        run("movies", raw, spark)


def test_crlf_reads_the_same(raw: pathlib.Path, spark: Any) -> None:
    before = sorted(row["title"] for row in run("movies", raw, spark))
    file = raw / "movies.csv"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert sorted(row["title"] for row in run("movies", raw, spark)) == before
