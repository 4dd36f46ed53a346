"""Reads the curated tables; run by an interpreter that has DuckDB: ``python results.py FOLDER`` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TABLES = {
    "most_popular_movies": (
        "num_ratings",
        "movieId, num_ratings, title, genres",
        "num_ratings DESC, movieId",
    ),
    "top_rated_movies": (
        "avg_rating",
        "movieId, avg_rating, title, genres",
        "avg_rating DESC, movieId",
    ),
}


def read(folder: Path) -> dict[str, Any]:
    """Return the first ten rows and the size of each curated table, and the raw tables' sizes.

    :param folder: the demo's directory.
    """
    import duckdb

    found: dict[str, Any] = {"raw": {}}
    connection = duckdb.connect()
    for name, (_, columns, order) in TABLES.items():
        source = f"read_parquet('{folder}/curated/{name}/*.parquet')"
        top = connection.sql(f"SELECT {columns} FROM {source} ORDER BY {order} LIMIT 10")
        names = top.columns
        rows = [dict(zip(names, row, strict=True)) for row in top.fetchall()]
        count = connection.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        found[name] = {"rows": rows, "count": count}
    for path in sorted((folder / "raw").glob("*.csv")):
        with path.open("rb") as file:
            found["raw"][path.name] = {"bytes": path.stat().st_size, "lines": sum(1 for _ in file)}
    return found


if __name__ == "__main__":
    json.dump(read(Path(sys.argv[1])), sys.stdout)
