from __future__ import annotations

from collections.abc import Iterator

import pytest
from mwaalib.testing.process import StandIn


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    started = StandIn.start(tmp_path_factory.mktemp("standin"), time_scale=0.2)
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "standin" in request.fixturenames:
        request.getfixturevalue("standin").clear_faults()
