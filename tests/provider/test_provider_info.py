"""What Airflow learns of the provider at start-up."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import airflow
import pytest
from mwaalib.provider_info import get_provider_info


@pytest.mark.parametrize("schema", ["provider_info.schema.json"])
def test_info_fits_airflows_schema(schema: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(get_provider_info(), json.loads((Path(airflow.__path__[0]) / schema).read_text()))


def test_every_name_in_it_exists() -> None:
    info = get_provider_info()
    for kind in ("operators", "sensors", "hooks", "triggers"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                importlib.import_module(module)
    for path in info["extra-links"]:
        module, name = path.rsplit(".", 1)
        assert getattr(importlib.import_module(module), name)().name


def test_connection_type_stays_with_the_incumbent() -> None:
    assert "connection-types" not in get_provider_info()
    assert "hook-class-names" not in get_provider_info()
