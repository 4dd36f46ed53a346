"""The generator makes what MovieLens makes, troubles included."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from demo.generate import generate


def rows(path: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{path.stem}/{name}").decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "made.zip"
    generate(path, 20_000)
    return path


def test_same_seed_same_bytes(dataset: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "made.zip", tmp_path / "other" / "made.zip"
    other.parent.mkdir()
    generate(again, 20_000)
    generate(other, 20_000, seed=2)
    assert again.read_bytes() == dataset.read_bytes()
    assert other.read_bytes() != dataset.read_bytes()


@pytest.mark.parametrize("count", [1, 19, 500, 20_000])
def test_as_many_ratings_as_asked_for(count: int, tmp_path: Path) -> None:
    path = tmp_path / "made.zip"
    said = generate(path, count)
    found = rows(path, "ratings.csv")
    assert len(found) == count == said["ratings"]
    assert len(rows(path, "movies.csv")) == said["movies"]
    assert len(rows(path, "tags.csv")) == said["tags"]
    assert max(int(row["userId"]) for row in found) == said["users"]


def test_ratings_are_well_formed(dataset: Path) -> None:
    found = rows(dataset, "ratings.csv")
    movies = {row["movieId"] for row in rows(dataset, "movies.csv")}
    assert {row["movieId"] for row in found} <= movies
    assert {float(row["rating"]) for row in found} == {half / 2 for half in range(1, 11)}
    assert len({(row["userId"], row["movieId"]) for row in found}) == len(found), "nobody rates a movie twice"


def test_popularity_is_uneven(dataset: Path) -> None:
    counts = sorted(Counter(row["movieId"] for row in rows(dataset, "ratings.csv")).values(), reverse=True)
    tenth = sum(counts[: len(counts) // 10])
    assert tenth > sum(counts) * 0.3, "a tenth of the movies gets far more than a tenth of the ratings"


def test_titles_are_troublesome(dataset: Path) -> None:
    found = rows(dataset, "movies.csv")
    titles = [row["title"] for row in found]
    assert any("," in title for title in titles)
    assert any('"' in title for title in titles)
    assert any(not title.isascii() for title in titles)
    assert any(row["genres"] == "(no genres listed)" for row in found)
    assert any("|" in row["genres"] for row in found)
    tags = [row["tag"] for row in rows(dataset, "tags.csv")]
    assert any('"' in tag for tag in tags)
    assert any("," in tag for tag in tags)
