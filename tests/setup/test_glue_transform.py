"""The Glue job against a computation of our own."""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

import pytest
from curated_tables import Row, columns, computed, table


def transformed(raw: pathlib.Path, *more: str) -> tuple[list[Row], list[Row]]:
    """Runs the three steps of the pipeline and returns both curated tables in file order."""
    import movielens_csv
    import movielens_glue_transform
    import preprocess_movies
    import preprocess_ratings

    for script in (preprocess_movies, preprocess_ratings):
        name = script.__name__.partition("_")[2]
        arguments = ["--input", str(raw / f"{name}.csv"), "--output", str(raw / "processed" / name)]
        movielens_csv.main(script.__name__, script.SCHEMA, script.shape, arguments)
    movielens_glue_transform.main(
        ["--JOB_NAME", "x", "--input", str(raw / "processed"), "--output", f"{raw}/curated/", *more]
    )
    return table(raw, "most_popular_movies"), table(raw, "top_rated_movies")


@pytest.mark.parametrize("minimum", [1, 2])
def test_small_set(raw: pathlib.Path, spark: Any, minimum: int) -> None:
    popular, rated = transformed(raw, "--minimum_ratings", str(minimum))
    assert (popular, rated) == computed(raw, minimum)
    assert popular[0] == (1, 3, "Toy Story (1995)", "Adventure|Animation")
    for name, measure in (("most_popular_movies", "num_ratings"), ("top_rated_movies", "avg_rating")):
        assert columns(raw, name) == ["movieId", measure, "title", "genres"]
    assert [row[0] for row in rated] == ([40, 50, 11, 29, 1, 60] if minimum == 1 else [11, 29, 1])


def test_minimum_must_be_positive(raw: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    import movielens_glue_transform

    with pytest.raises(SystemExit):
        movielens_glue_transform.main(["--input", "x", "--output", "y", "--minimum_ratings", "0"])
    assert "0 is less than 1" in capsys.readouterr().err


def test_a_run_replaces_the_last_ones_tables(raw: pathlib.Path, spark: Any) -> None:
    transformed(raw)
    with (raw / "ratings.csv").open("a") as file:
        file.write("8,70,1.0,1\n")
    assert transformed(raw) == computed(raw)


@pytest.mark.slow
def test_real_ratings(tmp_path: pathlib.Path, spark: Any) -> None:
    """GroupLens' latest-small of 2016, where it lies on this machine."""
    archive = pathlib.Path(__file__).parents[3] / "shared" / "data" / "ml-latest-small.zip"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    with zipfile.ZipFile(archive) as content:
        for name in ("movies.csv", "ratings.csv"):
            (tmp_path / name).write_bytes(content.read(f"ml-latest-small/{name}"))
    popular, rated = transformed(tmp_path)
    assert (popular, rated) == computed(tmp_path)
    assert popular[0][:3] == (356, 341, "Forrest Gump (1994)")
