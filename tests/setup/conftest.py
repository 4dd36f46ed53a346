"""One Spark session and one place for data, for all tests of the setup."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mwaalib.testing.process import StandIn

ROOT = pathlib.Path(__file__).parents[2]
TRANSFORM = ROOT / "setup" / "transform"
# The scripts import one another as on a cluster; the tests import the fakes beside them.
sys.path[:0] = [str(TRANSFORM), str(pathlib.Path(__file__).parent)]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local Spark session; importing pyspark is left to the tests that need it."""
    sql = pytest.importorskip("pyspark.sql")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def raw(tmp_path: pathlib.Path) -> pathlib.Path:
    """A small data set with what makes MovieLens hard to read."""
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n"
        "1,Toy Story (1995),Adventure|Animation\n"
        '11,"American President, The (1995)",Comedy|Drama|Romance\n'
        '29,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Adventure|Sci-Fi\n'
        '40,"""Great Performances"" Cats (1998)",Musical\n'
        "50,千と千尋の神隠し (2001) ,(no genres listed)\n"
        "60,Back\\slash,Drama\n"
        "70,Never Rated (2000),Drama\n",
        encoding="utf-8",
    )
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n"
        "1,1,4.0,1260759144\n2,1,5.0,1260759145\n3,1,3.5,1260759146\n"
        "1,11,4.5,0\n2,11,4.0,1260759150\n"
        "1,29,4.5,1260759144\n2,29,4.0,1260759144\n"
        "1,40,5.0,1260759144\n1,50,5.0,1260759144\n1,60,0.5,1260759144\n"
        "1,999,5.0,1260759144\n"
    )
    (tmp_path / "tags.csv").write_text(
        "userId,movieId,tag,timestamp\n"
        '1,1,"fun, ""really""",1260759144\n2,1, ,1260759145\n3,1,Überraschung,1260759146\n',
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    started = StandIn.start(tmp_path_factory.mktemp("standin"), time_scale=0.1)
    yield started
    started.stop()
