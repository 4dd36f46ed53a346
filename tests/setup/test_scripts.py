"""deploy.sh and teardown.sh: wrong arguments and missing files, refused before AWS is asked anything."""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest
from fake_checkout import Checkout

GOOD = ["-s", "mwaa-bucket", "-d", "data-bucket"]


@pytest.fixture
def checkout(tmp_path: pathlib.Path) -> Checkout:
    # Nothing answers there, so a call to AWS would fail otherwise than by the arguments.
    return Checkout(tmp_path / "checkout", {**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})


@pytest.mark.parametrize("script", ["deploy", "teardown"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "-s needs the name of a bucket"),
        (["-s", "mwaa-bucket"], "-d needs the name of a bucket"),
        (["-s"], "-s needs a value"),
        (["-x"], "there is no option -x"),
        ([*GOOD, "more"], "unexpected argument more"),
        (["-s", "s3://mwaa-bucket", "-d", "data-bucket"], "takes the bucket's bare name"),
        (["-s", "arn:aws:s3:::mwaa-bucket", "-d", "data-bucket"], "takes the bucket's bare name"),
        (["-s", "mwaa-bucket", "-d", "Data_Bucket"], "-d: Data_Bucket is no bucket name"),
        ([*GOOD, "-n", "under_score"], "under_score is no stack name"),
    ],
)
def test_wrong_arguments(checkout: Checkout, script: str, arguments: list[str], message: str) -> None:
    done = checkout.run(script, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert f"{script}.sh -h" in done.stderr


@pytest.mark.parametrize("script", ["deploy", "teardown"])
def test_help(checkout: Checkout, script: str) -> None:
    done = checkout.run(script, "-h")
    assert done.returncode == 0
    assert done.stdout.startswith(
        f"Usage: {script}.sh -s <MWAA bucket> -d <data bucket> [-n stack] [-p profile]"
    )


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("lambda/crawl_movielens.zip", "make lambda"),
        ("plugins.zip", "make mwaa"),
        ("requirements.txt", "make mwaa"),
    ],
)
def test_missing_files_are_named_with_how_to_make_them(checkout: Checkout, file: str, remedy: str) -> None:
    (checkout.root / "dist" / file).unlink()
    done = checkout.run("deploy", *GOOD)
    assert done.returncode == 1
    assert f"dist/{file} is missing" in done.stderr
    assert remedy in done.stderr


@pytest.mark.parametrize("content", [b"no zip", None], ids=["no zip", "no wheel"])
def test_a_broken_plugins_zip(checkout: Checkout, content: bytes | None) -> None:
    if content is None:
        checkout.pack_plugins("folder/mwaalib-0.1.0-cp310-abi3-any.whl")
    else:
        (checkout.root / "dist" / "plugins.zip").write_bytes(content)
    done = checkout.run("deploy", *GOOD)
    assert done.returncode == 1
    assert "no zip with the mwaalib wheel at its root" in done.stderr


def test_the_aws_cli_is_missing(checkout: Checkout, tmp_path: pathlib.Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "dirname", "mktemp", "rm", "python3"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    done = checkout.run("deploy", *GOOD, PATH=str(tools))
    assert done.returncode == 1
    assert "the AWS CLI is missing" in done.stderr


def test_nobody_answers(checkout: Checkout) -> None:
    done = checkout.run("deploy", *GOOD, AWS_MAX_ATTEMPTS="1")
    assert done.returncode == 1
    assert "bucket data-bucket cannot be checked" in done.stderr
    assert "bucket mwaa-bucket cannot be checked" in done.stderr
