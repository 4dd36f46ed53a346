"""Chooses the data set: the user's, GroupLens's where it can be reached, or one made here."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from demo.console import DemoError
from demo.generate import generate, tags_table

GROUPLENS = "https://files.grouplens.org/datasets/movielens/ml-latest-small.zip"
REACHABLE_WITHIN = 4  # seconds
DEFAULT_RATINGS = 100_000
SEED = 1
NEEDED = ("movies.csv", "ratings.csv")


@dataclass
class Dataset:
    """A data set on this machine.

    :param path: its zip.
    :param origin: where it comes from, in words for the user.
    :param notes: what was done to it.
    """

    path: Path
    origin: str
    notes: list[str] = field(default_factory=list)


def shown(address: str) -> str:
    """Return an address without its query and user, which may hold a signature or a password."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def choose(wanted: str, folder: Path) -> Dataset:
    """Return the data set to run on, complete with tags.

    :param wanted: what the user asked for: a zip, an http address, ``generate`` or ``generate:<number of
        ratings>``; empty for GroupLens's, or a generated one where GroupLens cannot be reached.
    :param folder: where data sets are kept.
    :raises DemoError: if it cannot be had or is no MovieLens data set.
    """
    if re.fullmatch(r"generate(:\d+)?", wanted):
        count = int(wanted.partition(":")[2] or DEFAULT_RATINGS)
        return generated(folder, max(1, count), "generated")
    if re.match(r"https?://", wanted):
        found = Dataset(download(wanted, folder, timeout=60), shown(wanted))
    elif wanted:
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise DemoError(f"DATASET={wanted}: there is no such file")
        found = Dataset(path, str(path))
    else:
        try:
            found = Dataset(download(GROUPLENS, folder, timeout=REACHABLE_WITHIN), f"GroupLens, {GROUPLENS}")
        except DemoError as error:
            return generated(folder, DEFAULT_RATINGS, f"generated, for GroupLens cannot be reached ({error})")
    return with_tags(found, folder)


def generated(folder: Path, count: int, origin: str) -> Dataset:
    """Return a generated data set of the wanted size, made at the first time."""
    path = folder / f"generated-{count}.zip"
    if not path.exists():
        generate(path, count, SEED)
    return Dataset(path, f"{origin}: {count:,} ratings of MovieLens shape, seed {SEED}")


def download(address: str, folder: Path, timeout: float) -> Path:
    """Fetch a zip once and return where it is kept.

    :raises DemoError: if it cannot be fetched.
    """
    name = PurePosixPath(urllib.parse.urlsplit(address).path)
    # Many sites call theirs ml-latest.zip.
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]
    path = folder / f"{name.stem or 'dataset'}-{digest}.zip"
    if path.exists() and zipfile.is_zipfile(path):
        return path
    partial = path.with_suffix(".partial")
    try:
        with urllib.request.urlopen(address, timeout=timeout) as reply, partial.open("wb") as file:
            shutil.copyfileobj(reply, file, 1 << 20)
    except http.client.InvalidURL as error:  # its words may hold the password
        raise DemoError(f"{shown(address)} is no address that can be asked") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DemoError(f"{shown(address)}: {reason}") from error
    partial.replace(path)
    return path


def members(path: Path) -> dict[str, str]:
    """Return the archive's files by their names without folders.

    :raises DemoError: if it is no zip of a MovieLens data set.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = {PurePosixPath(name).name: name for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError) as error:
        raise DemoError(f"{path} is no zip file: {error}") from error
    if missing := [name for name in NEEDED if name not in found]:
        raise DemoError(f"{path} has no {' and no '.join(missing)}: it is no MovieLens data set")
    return found


def with_tags(dataset: Dataset, folder: Path) -> Dataset:
    """Return the data set, with generated tags if it has none.

    :raises DemoError: if its movies cannot be read.
    """
    found = members(dataset.path)
    if "tags.csv" in found:
        return dataset
    target = folder / f"{dataset.path.stem}-with-tags.zip"
    movie_ids = movies_of(dataset.path, found["movies.csv"])
    shutil.copyfile(dataset.path, target)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        count = tags_table(
            archive, str(PurePosixPath(found["movies.csv"]).parent), movie_ids or [1], 600, SEED
        )
    note = f"it has no tags.csv; {count:,} generated tags (seed {SEED}) were added"
    return Dataset(target, dataset.origin, [*dataset.notes, note])


def movies_of(path: Path, member: str) -> list[int]:
    """Return the ids in a data set's movies.csv.

    :raises DemoError: if it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            next(rows, None)
            return [int(row[0]) for row in rows if row]
    # Not text, no number, no CSV; a damaged, encrypted or oddly packed member.
    except (ValueError, csv.Error, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DemoError(f"{member} in {path} cannot be read: {error}") from error
