"""Fetches a MovieLens data set and uploads its CSV files for the preprocess scripts.

Runs as a step on an EMR node with what is there: Python's standard library (3.9 on EMR 7) and the AWS CLI.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib

NEEDED = ("movies.csv", "ratings.csv", "tags.csv")
OPTIONAL = ("links.csv",)
ATTEMPTS = 4
TIMEOUT = 60  # seconds without a byte


class CollectError(Exception):
    """Why the data set could not be collected, in words for the user."""


def shown(address: str) -> str:
    """The address without its query and user, which may hold a signature or a password."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fetch(address: str, target: pathlib.Path) -> None:
    """Downloads an s3, http or https address to a file."""
    scheme = urllib.parse.urlsplit(address).scheme
    if scheme == "s3":
        copy(address, str(target))
    elif scheme in ("http", "https"):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                download(address, target)
                return
            except (urllib.error.URLError, OSError) as error:
                permanent = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
                if permanent or attempt == ATTEMPTS:
                    raise CollectError(f"cannot download {shown(address)}: {error}") from error
                print(f"attempt {attempt} at {shown(address)} failed: {error}", file=sys.stderr)
                time.sleep(2**attempt)
    else:
        raise CollectError(f"{shown(address)!r} is no s3://, http:// or https:// address")


def download(address: str, target: pathlib.Path) -> None:
    """One attempt; a body shorter than announced is an error."""
    with urllib.request.urlopen(address, timeout=TIMEOUT) as reply, target.open("wb") as file:
        expected = reply.headers.get("Content-Length")
        shutil.copyfileobj(reply, file, 1 << 20)
    if expected is not None and target.stat().st_size != int(expected):
        raise OSError(f"{target.stat().st_size} of {expected} bytes came")


def copy(source: str, target: str) -> None:
    """``aws s3 cp``, as every EMR node has it."""
    done = subprocess.run(
        ["aws", "s3", "cp", "--only-show-errors", source, target],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise CollectError(f"cannot copy {source} to {target}: {done.stderr.strip()}")


def extract(archive: pathlib.Path, directory: pathlib.Path, address: str) -> list[pathlib.Path]:
    """Unpacks the CSV files, wherever in the zip they lie, and returns them."""
    if not zipfile.is_zipfile(archive):
        raise CollectError(f"{shown(address)} is no zip file ({archive.stat().st_size} bytes)")
    files = []
    try:
        with zipfile.ZipFile(archive) as content:
            members = {pathlib.PurePosixPath(name).name: name for name in content.namelist()}
            missing = [name for name in NEEDED if name not in members]
            if missing:
                raise CollectError(
                    f"{shown(address)} has no {', '.join(missing)}: it is no MovieLens data set"
                )
            for name in (*NEEDED, *OPTIONAL):
                if name in members:
                    files.append(directory / name)
                    with content.open(members[name]) as member, files[-1].open("wb") as file:
                        shutil.copyfileobj(member, file, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CollectError(f"{shown(address)} is a damaged zip file: {error}") from error
    return files


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(prog="collect_movielens")
    parser.add_argument("--dataset", required=True, help="address of the data set's zip")
    parser.add_argument("--output", required=True, help="s3:// prefix that the CSV files go to")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as place:
            directory = pathlib.Path(place)
            archive = directory / "dataset.zip"
            fetch(arguments.dataset, archive)
            for file in extract(archive, directory, arguments.dataset):
                size = file.stat().st_size
                copy(str(file), f"{arguments.output.rstrip('/')}/{file.name}")
                print(f"{file.name}: {size:,} bytes")
    except CollectError as error:
        sys.exit(f"collect_movielens: {error}")


if __name__ == "__main__":
    main()
