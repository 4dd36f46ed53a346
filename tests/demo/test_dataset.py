"""Which data set the demo takes, and what it says of one that it cannot take."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from demo import dataset
from demo.console import DemoError

MOVIES = 'movieId,title,genres\n1,"Nobody, The (1999)",Drama\n7,Heat (1995),Action\n'
RATINGS = "userId,movieId,rating,timestamp\n1,1,4.0,1260759144\n"


def archive(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, text in files.items():
            target.writestr(f"ml/{name}.csv", text)
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    archive(folder / "small.zip", movies=MOVIES, ratings=RATINGS, tags="userId,movieId,tag,timestamp\n")
    started = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=started.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{started.server_address[1]}"
    started.shutdown()
    started.server_close()


def test_missing_tags_are_generated_and_told(tmp_path: Path) -> None:
    given = archive(tmp_path / "small.zip", movies=MOVIES, ratings=RATINGS)
    before = given.read_bytes()
    found = dataset.choose(str(given), tmp_path)
    assert given.read_bytes() == before, "the user's file is left as it is"
    assert "generated tags" in found.notes[0]
    with zipfile.ZipFile(found.path) as content:
        assert content.read("ml/movies.csv").decode() == MOVIES
        lines = content.read("ml/tags.csv").decode().splitlines()
    assert lines[0] == "userId,movieId,tag,timestamp"
    assert {line.split(",")[1] for line in lines[1:]} <= {"1", "7"}


def test_complete_zip_is_taken_as_it_is(tmp_path: Path) -> None:
    given = archive(
        tmp_path / "all.zip", movies=MOVIES, ratings=RATINGS, tags="userId,movieId,tag,timestamp\n"
    )
    assert dataset.choose(str(given), tmp_path) == dataset.Dataset(given, str(given))


def test_address_is_downloaded(server: str, tmp_path: Path) -> None:
    found = dataset.choose(f"{server}/small.zip", tmp_path)
    assert found.origin == f"{server}/small.zip"
    assert zipfile.is_zipfile(found.path)


def test_the_same_name_at_another_address_is_another_data_set(server: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "other").mkdir()
    archive(tmp_path / "served" / "other" / "small.zip", movies=MOVIES, ratings=RATINGS, tags="x", more="y")
    first, other = (dataset.choose(f"{server}/{name}", tmp_path) for name in ("small.zip", "other/small.zip"))
    assert first.path != other.path
    assert first.path.read_bytes() != other.path.read_bytes()
    (tmp_path / "served" / "small.zip").unlink()
    assert dataset.choose(f"{server}/small.zip", tmp_path) == first, "kept"


def test_signatures_are_not_shown(server: str, tmp_path: Path) -> None:
    found = dataset.choose(f"{server}/small.zip?X-Amz-Signature=secret", tmp_path)
    assert found.origin == f"{server}/small.zip"
    assert "secret" not in found.path.name
    with pytest.raises(DemoError) as refused:
        dataset.choose(f"{server}/gone.zip?X-Amz-Signature=secret".replace("//", "//me:pass@"), tmp_path)
    assert "gone.zip" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "pass" not in str(refused.value)
    with pytest.raises(DemoError, match=r"^http://127.0.0.1/gone.zip is no address"):
        dataset.choose("http://me:pass@127.0.0.1/gone.zip", tmp_path)


def test_grouplens_when_it_can_be_reached(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "GROUPLENS", f"{server}/small.zip")
    assert dataset.choose("", tmp_path).origin == f"GroupLens, {server}/small.zip"


def test_generated_when_grouplens_cannot_be_reached(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "GROUPLENS", f"{server}/gone.zip")
    monkeypatch.setattr(dataset, "DEFAULT_RATINGS", 300)
    found = dataset.choose("", tmp_path)
    assert found.origin.startswith("generated, for GroupLens cannot be reached")
    assert "404" not in found.path.name
    assert zipfile.is_zipfile(found.path)


def test_generated_on_demand(tmp_path: Path) -> None:
    found = dataset.choose("generate:250", tmp_path)
    assert "250 ratings" in found.origin


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("no.zip", None, "there is no such file"),
        ("text.zip", b"not a zip at all", "is no zip file"),
        ("cut.zip", "cut", "is no zip file"),
        ("other.zip", {"readme": "x"}, "has no movies.csv and no ratings.csv"),
        (
            "ids.zip",
            {"movies": "movieId,title\nx,y\n", "ratings": ""},
            "movies.csv in .* cannot be read: .*'x'",
        ),
    ],
)
def test_what_cannot_be_taken(name: str, content: object, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "cut":
        path.write_bytes(archive(tmp_path / "whole.zip", movies=MOVIES, ratings=RATINGS).read_bytes()[:-40])
    elif isinstance(content, dict):
        archive(path, **content)
    with pytest.raises(DemoError, match=complaint):
        dataset.choose(str(path), tmp_path)


def test_address_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="refused"):
        dataset.choose("http://127.0.0.1:9/small.zip", tmp_path)
