"""What the documentation says of the code is true of it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from mwaalib.connection.role import ASSUME_ROLE
from mwaalib.connection.settings import _EXTRAS
from mwaalib.provider_info import get_provider_info

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "tools"))

from check_links import check  # noqa: E402


def text(name):
    return (DOCS / name).read_text()


def test_options_of_airflow_cfg():
    said = set(re.findall(r"^\| `(\w+)` \|", text("deferrable.md").partition("## Settings")[2], re.M))
    assert said == set(get_provider_info()["config"]["mwaalib"]["options"])


def test_budgets_are_those_of_the_core():
    sources = "\n".join(path.read_text() for path in (ROOT / "core/src/service").glob("*/*.rs"))
    short = re.findall(r'api\("(\w+)", "\w+:\w+", ([\d.]+), ([\d.]+)\)', sources)
    long = re.findall(r'name: "(\w+)",\s+permission: "[^"]+",\s+burst: ([\d.]+),\s+refill: ([\d.]+)', sources)
    real = {name: (float(burst), float(refill)) for name, burst, refill in short + long}
    rows = re.findall(r"^\| `\w+:(\w+)`(?:, [^|]+)? \| ([\d.]+) \| ([\d.]+) \|", text("deferrable.md"), re.M)
    assert {name: (float(burst), float(refill)) for name, burst, refill in rows} == real
    assert len(real) > 10


def test_extras_of_a_connection():
    said = set(re.findall(r"`(\w+)`", text("connections.md").partition("## What a connection may hold")[2]))
    assert said >= _EXTRAS - {
        "assume_role_with_web_identity_federation",
        "assume_role_with_web_identity_token_file",
    }
    assert said >= set(ASSUME_ROLE)


def test_classes_that_migration_names_exist():
    rows = re.findall(r"^\| `(mwaalib\.(?:operators|sensors)\.\w+)` \| (.+) \|$", text("migration.md"), re.M)
    assert len(rows) == 8
    for module, classes in rows:
        for name in re.findall(r"`(\w+)`", classes):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_command_of_the_migration_rewrites_what_is_here_and_nothing_else(tmp_path):
    command = re.search(r"^sed .+$", text("migration.md"), re.M)[0]
    before, after = [], []
    for folder in ("operators", "sensors", "hooks", "links"):
        for path in sorted((ROOT / "python" / "mwaalib" / folder).glob("[a-z]*.py")):
            before.append(f"from airflow.providers.amazon.aws.{folder}.{path.stem} import X")
            after.append(f"from mwaalib.{folder}.{path.stem} import X")
    for module in ("operators.s3", "hooks.s3", "operators.glue_databrew", "operators.ssm", "triggers.emr"):
        before.append(f"from airflow.providers.amazon.aws.{module} import X")
        after.append(before[-1])
    dag = tmp_path / "dag.py"
    dag.write_text("\n".join(before))
    subprocess.run(command.replace("dags/my_dag.py", str(dag)), shell=True, check=True)
    assert dag.read_text().splitlines() == after


def test_requirements_that_the_installation_shows():
    shown = re.search(r"```text\n(.+?)```", text("install-mwaa.md"), re.S)[1]
    assert textwrap.dedent(shown) == (ROOT / "requirements.txt").read_text()


def test_images_that_the_installation_names():
    from image.catalogue import IMAGES

    said = {}
    for versions, python in re.findall(
        r"^\| ([\d., ]+) \| (3\.\d+) \| yes \|", text("install-mwaa.md"), re.M
    ):
        said |= dict.fromkeys(versions.split(", "), python)
    assert said == {image.airflow: image.python for image in IMAGES if image.mwaa}


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ('<a href="there.html">x</a>', None),
        ('<a href="there.html#part">x</a>', None),
        ('<a href="https://aws.amazon.com/">x</a>', None),
        ('<a href="gone.html">x</a>', "there is no such file"),
        ('<a href="there.html#gone">x</a>', "there is no such anchor"),
        ('<img src="gone.svg">', "there is no such file"),
        ('<a href="http://example.com/">x</a>', "not https"),
    ],
)
def test_links_that_lead_nowhere_are_found(tmp_path, page, wrong):
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "there.html").write_text('<p id="part"></p>')
    found = check(tmp_path)
    assert len(found) == (wrong is not None)
    assert all(wrong in message for message in found)
