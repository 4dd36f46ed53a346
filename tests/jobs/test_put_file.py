"""Files go to S3 as they are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from mwaalib.exceptions import AwsError, RequestValidationError


@pytest.mark.parametrize("size", [0, 10, 12_000_000])
def test_a_file_arrives(aws: Any, tmp_path: Path, size: int) -> None:
    aws.boto("s3").create_bucket(Bucket="scripts")
    content = os.urandom(size)
    path = tmp_path / "script file.py"
    path.write_bytes(content)
    aws.session().put_file(str(path), "scripts", "a b/é.py")
    stored = aws.boto("s3").get_object(Bucket="scripts", Key="a b/é.py")["Body"].read()
    assert hashlib.sha256(stored).digest() == hashlib.sha256(content).digest()


def test_what_cannot_be_read_or_stored_is_named(aws: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestValidationError, match=r"missing\.py"):
        aws.session().put_file(str(tmp_path / "missing.py"), "scripts", "k")
    with pytest.raises(RequestValidationError, match="not a file"):
        aws.session().put_file(str(tmp_path), "scripts", "k")
    path = tmp_path / "x"
    path.write_text("x")
    with pytest.raises(AwsError) as refused:
        aws.session().put_file(str(path), "no-such-bucket", "k")
    assert refused.value.code == "NoSuchBucket"
