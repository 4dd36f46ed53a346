"""The curated tables as the Glue job wrote them, and as plain Python computes them."""

from __future__ import annotations

import collections
import csv
import pathlib
from typing import Any

import duckdb

Row = tuple[Any, ...]


def table(raw: pathlib.Path, name: str) -> list[Row]:
    """A curated table's rows in the order in which they were written."""
    return [row for file in files(raw, name) for row in duckdb.read_parquet(str(file)).fetchall()]


def columns(raw: pathlib.Path, name: str) -> list[str]:
    """The names of a curated table's columns; the table is one file."""
    (file,) = files(raw, name)
    return duckdb.read_parquet(str(file)).columns


def files(raw: pathlib.Path, name: str) -> list[pathlib.Path]:
    """The Parquet files of a curated table."""
    return sorted((raw / "curated" / name).glob("*.parquet"))


def computed(raw: pathlib.Path, minimum: int = 1) -> tuple[list[Row], list[Row]]:
    """What plain Python makes of the same CSV files."""
    with (raw / "movies.csv").open(newline="", encoding="utf-8") as file:
        movies = {int(row["movieId"]): (row["title"], row["genres"]) for row in csv.DictReader(file)}
    ratings = collections.defaultdict(list)
    with (raw / "ratings.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if int(row["movieId"]) in movies:
                ratings[int(row["movieId"])].append(float(row["rating"]))
    popular = [(movie, len(given), *movies[movie]) for movie, given in ratings.items()]
    rated = [
        (movie, sum(given) / len(given), *movies[movie])
        for movie, given in ratings.items()
        if len(given) >= minimum
    ]
    return sorted(popular, key=lambda r: (-r[1], r[0])), sorted(rated, key=lambda r: (-r[1], r[0]))
