"""A data set of MovieLens shape, the same for the same seed and scale."""

from __future__ import annotations

import csv
import io
import itertools
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

GENRES = (
    "Action Adventure Animation Children Comedy Crime Documentary Drama Fantasy Film-Noir Horror IMAX Musical "
    "Mystery Romance Sci-Fi Thriller War Western"
).split()
NO_GENRES = "(no genres listed)"
FIRST = (
    "Silent Golden Last Hidden Crimson Broken Distant Electric Forgotten Little Midnight Savage Paper".split()
)
SECOND = "River Kingdom Letter Garden Summer Detective Empire Stranger Harvest Mirror Orchestra Island Promise".split()
FOREIGN = (
    "Été meurtrier, L'",
    "Señora de nadie",
    "Über den Dächern",
    "千年の物語",
    "Ностальгия",
    "Smultronstället II",
    "Dom za vešanje 2",
)
TAGS = (
    "atmospheric",
    "based on a book",
    "twist ending",
    'so-called "classic"',
    "boring, slow",
    "überraschend",
    "spécial",
    "must see!",
    "tearjerker",
    "宇宙",
)
EPOCH = 1_100_000_000
#: Users of MovieLens have rated at least this many movies.
LEAST_RATINGS = 20


def title(rng: random.Random, number: int) -> str:
    """Return a movie's title, now and then one that CSV readers trip over."""
    year = f" ({rng.randint(1920, 2025)})"
    if number % 41 == 0:
        return rng.choice(FOREIGN) + year
    name = f"{rng.choice(FIRST)} {rng.choice(SECOND)}"
    if number % 29 == 0:
        return f'"{name}" and Other Stories' + year
    if number % 7 == 0:
        return f"{name}, The" + year
    if number % 53 == 0:
        return name  # some have no year
    return f"{name} {number}" + year


def movies(rng: random.Random, count: int) -> Iterator[tuple[int, str, str]]:
    """Yield the rows of movies.csv."""
    movie_id = 0
    for number in range(1, count + 1):
        movie_id += rng.choice((1, 1, 1, 2, 5))
        genres = "|".join(sorted(rng.sample(GENRES, rng.randint(1, 4)))) if number % 37 else NO_GENRES
        yield movie_id, title(rng, number), genres


def ratings(rng: random.Random, movie_ids: list[int], count: int) -> Iterator[tuple[int, int, float, int]]:
    """Yield the rows of ratings.csv: popularity by Zipf's law, a quality of each movie, a mood of each user."""
    ranked = rng.sample(movie_ids, len(movie_ids))
    weights = list(itertools.accumulate(1.0 / (rank + 5) for rank in range(len(ranked))))
    quality = {movie: rng.gauss(3.5, 0.45) for movie in ranked}
    made = user = 0
    while made < count:
        user += 1
        wanted = min(count - made, LEAST_RATINGS + int(rng.expovariate(1 / 80)), len(ranked))
        chosen: dict[int, None] = {}
        while len(chosen) < wanted:
            missing = wanted - len(chosen)
            chosen.update(dict.fromkeys(rng.choices(ranked, cum_weights=weights, k=missing)))
            if wanted > len(ranked) // 2:  # the rare ones of a tiny catalogue would take for ever
                chosen.update(dict.fromkeys(rng.sample(ranked, missing)))
        mood = rng.gauss(0, 0.4)
        moment = EPOCH + rng.randrange(600_000_000)
        for movie in sorted(itertools.islice(chosen, wanted)):
            stars = round((quality[movie] + mood + rng.gauss(0, 0.9)) * 2) / 2
            moment += rng.randrange(300)
            yield user, movie, min(5.0, max(0.5, stars)), moment
        made += wanted


def tags(
    rng: random.Random, movie_ids: list[int], count: int, users: int
) -> Iterator[tuple[int, int, str, int]]:
    """Yield the rows of tags.csv."""
    for _ in range(count):
        yield (
            rng.randint(1, users),
            rng.choice(movie_ids),
            rng.choice(TAGS),
            EPOCH + rng.randrange(600_000_000),
        )


class Table:
    """One CSV file inside a zip, written as MovieLens writes it."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, name: str, header: str) -> None:
        self._binary = archive.open(
            zipfile.ZipInfo(f"{folder}/{name}", (2020, 1, 1, 0, 0, 0)), "w", force_zip64=True
        )
        self._text = io.TextIOWrapper(self._binary, encoding="utf-8", newline="")
        self._text.write(header + "\r\n")
        self._writer = csv.writer(self._text)

    def write(self, row: tuple[object, ...]) -> None:
        """Append one row."""
        self._writer.writerow(row)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *unused: object) -> None:
        self._text.close()


def tags_table(archive: zipfile.ZipFile, folder: str, movie_ids: list[int], users: int, seed: int) -> int:
    """Write tags.csv, about one tag for each three movies; return how many."""
    rng = random.Random(seed)
    count = max(10, len(movie_ids) // 3)
    with Table(archive, folder, "tags.csv", "userId,movieId,tag,timestamp") as table:
        for row in tags(rng, movie_ids, count, users):
            table.write(row)
    return count


def generate(path: Path, ratings_count: int, seed: int = 1) -> dict[str, int]:
    """Write a data set as a zip.

    :param path: the zip to write.
    :param ratings_count: how many ratings; the other tables follow from it.
    :param seed: the same seed gives the same bytes.
    :return: the number of rows of each table.
    """
    rng = random.Random(seed)
    folder = path.stem
    movie_count = max(30, min(86_000, int(30 * ratings_count**0.5)))
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        movie_ids = []
        with Table(archive, folder, "movies.csv", "movieId,title,genres") as table:
            for row in movies(rng, movie_count):
                movie_ids.append(row[0])
                table.write(row)
        users = 1
        with Table(archive, folder, "ratings.csv", "userId,movieId,rating,timestamp") as table:
            for rating in ratings(rng, movie_ids, ratings_count):
                users = rating[0]
                table.write(rating)
        tag_count = tags_table(archive, folder, movie_ids, users, seed)
        with Table(archive, folder, "links.csv", "movieId,imdbId,tmdbId") as table:
            for movie in movie_ids:
                table.write((movie, f"{rng.randrange(10_000_000):07d}", rng.randrange(1_000_000)))
    partial.replace(path)
    return {"movies": movie_count, "ratings": ratings_count, "tags": tag_count, "users": users}
