"""collect_movielens.py as a process, with a real zip, a web server and the stand-in's S3."""

from __future__ import annotations

import functools
import http.server
import io
import os
import pathlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from mwaalib.testing.process import StandIn
from resident_cli import ResidentCli

SCRIPT = pathlib.Path(__file__).parents[2] / "setup" / "transform" / "collect_movielens.py"
FILES = {f"ml-tiny/{name}.csv": f"{name}\nünï\n" for name in ("movies", "ratings", "tags", "links")}


def packed(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


class Site:
    """A web server and a bucket with data sets, and the script to collect them."""

    def __init__(self, directory: pathlib.Path, standin: StandIn) -> None:
        self.s3 = standin.client("s3")
        self.directory = directory
        handler = functools.partial(Quiet, directory=str(directory))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.s3.create_bucket(Bucket="collected")

    def collect(self, dataset: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPT), "--dataset", dataset, "--output", "s3://collected/raw/"],
            env={**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    def refused(self, dataset: str) -> str:
        done = self.collect(dataset)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("collect_movielens: ")
        return last

    def keys(self) -> set[str]:
        return {entry["Key"] for entry in self.s3.list_objects_v2(Bucket="collected").get("Contents", [])}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site(standin: StandIn, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for variable, value in standin.environment().items():
        monkeypatch.setenv(variable, value)
    cli = ResidentCli(tmp_path)
    site = Site(tmp_path, standin)
    yield site
    for key in sorted(site.keys()):
        site.s3.delete_object(Bucket="collected", Key=key)
    site.s3.delete_bucket(Bucket="collected")
    site.server.shutdown()
    site.server.server_close()
    cli.close()


def test_from_the_web(site: Site) -> None:
    (site.directory / "ml.zip").write_bytes(packed(FILES))
    done = site.collect(f"{site.address}/ml.zip")
    assert done.returncode == 0, done.stderr
    assert site.keys() == {f"raw/{name}.csv" for name in ("movies", "ratings", "tags", "links")}
    body = site.s3.get_object(Bucket="collected", Key="raw/tags.csv")["Body"].read()
    assert body.decode() == "tags\nünï\n"


def test_from_a_bucket_without_the_optional_file(site: Site) -> None:
    files = {name: text for name, text in FILES.items() if "links" not in name}
    site.s3.put_object(Bucket="collected", Key="in/ml.zip", Body=packed(files))
    done = site.collect("s3://collected/in/ml.zip")
    assert done.returncode == 0, done.stderr
    assert site.keys() - {"in/ml.zip"} == {"raw/movies.csv", "raw/ratings.csv", "raw/tags.csv"}


def test_what_is_no_zip_is_refused(site: Site) -> None:
    (site.directory / "ml.zip").write_text("<html>not here</html>")
    assert "is no zip file (21 bytes)" in site.refused(f"{site.address}/ml.zip")
    (site.directory / "cut.zip").write_bytes(packed(FILES)[:-30])
    assert "is no zip file" in site.refused(f"{site.address}/cut.zip")
    assert site.keys() == set()


def test_a_damaged_zip_is_refused(site: Site) -> None:
    content = bytearray(packed({name: text * 500 for name, text in FILES.items()}))
    start = content.index(b"ml-tiny/movies.csv") + 20
    content[start : start + 12] = b"\xff" * 12
    (site.directory / "ml.zip").write_bytes(content)
    assert "is a damaged zip file" in site.refused(f"{site.address}/ml.zip")


def test_missing_files_are_named(site: Site) -> None:
    (site.directory / "ml.zip").write_bytes(packed({"a/movies.csv": "x"}))
    assert "has no ratings.csv, tags.csv" in site.refused(f"{site.address}/ml.zip")


def test_addresses_that_lead_nowhere(site: Site) -> None:
    assert "404" in site.refused(f"{site.address}/none.zip?signature=secret")
    assert "secret" not in site.refused(f"{site.address}/none.zip?signature=secret")
    assert "cannot copy s3://collected/none.zip" in site.refused("s3://collected/none.zip")
    assert "is no s3://, http:// or https:// address" in site.refused("ftp://example.org/ml.zip")
    assert site.keys() == set()
