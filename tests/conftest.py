"""What every test needs: an Airflow home of its own and no AWS settings from the developer's machine."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

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
