"""What every test needs: an Airflow home of its own and no AWS settings from the developer's machine."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from mwaalib.testing.process import StandIn

# Airflow reads these when it is first imported, which is before any fixture runs.
_home = tempfile.mkdtemp(prefix="mwaalib-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = _home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

for _name in [n for n in os.environ if n.startswith("AWS_")]:
    del os.environ[_name]
os.environ["AWS_CONFIG_FILE"] = os.path.join(_home, "aws-config")
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.path.join(_home, "aws-credentials")
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture
def aws(mwaalib_aws_server: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An AWS that the default credential chain leads to; what is in it is shared between tests."""
    for name, value in mwaalib_aws_server.environment().items():
        monkeypatch.setenv(name, value)
    mwaalib_aws_server.calls(reset=True)
    yield mwaalib_aws_server
    mwaalib_aws_server.clear_faults()
