"""The parts of one running stand-in."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from mwaalib.testing.standin.call import Call
from mwaalib.testing.standin.commands import Commands
from mwaalib.testing.standin.environments import Environments
from mwaalib.testing.standin.faults import Faults
from mwaalib.testing.standin.mirror import Mirror
from mwaalib.testing.standin.overlay import Overlay
from mwaalib.testing.standin.processes import Supervisor
from mwaalib.testing.standin.settings import Settings
from mwaalib.testing.standin.spark import Spark
from mwaalib.testing.standin.store import Store

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")


class Runtime:
    """What the runners and patches share.

    :param settings: how this stand-in runs.
    :param port: the port it serves on.
    """

    def __init__(self, settings: Settings, port: int) -> None:
        from mwaalib.testing.standin.emr.lifecycle import Clusters
        from mwaalib.testing.standin.functions.pool import Functions
        from mwaalib.testing.standin.glue.crawls import Crawls
        from mwaalib.testing.standin.glue.runs import JobRuns

        self.settings = settings
        self.port = port
        shutil.rmtree(settings.state_dir / "work", ignore_errors=True)
        self.faults = Faults()
        self.overlay = Overlay()
        self.supervisor = Supervisor()
        self.store = Store(settings.account)
        self.mirror = Mirror(self.store, settings.state_dir / "s3")
        self.spark = Spark(settings, self.store, self.mirror)
        self.clusters = Clusters(self)
        self.job_runs = JobRuns(self)
        self.crawls = Crawls(self)
        self.functions = Functions(self)
        self.environments = Environments(self)
        self.commands = Commands(self)
        self._counts: Counter[str] = Counter()
        self._count_lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """The address that clients call."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, region: str = "us-east-1") -> dict[str, str]:
        """Return the environment in which work reaches this stand-in and no other AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SPARK_"))}
        kept.pop("PYTHONPATH", None)
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

    def work_dir(self, *parts: str) -> Path:
        """Make and return a directory for one piece of work."""
        path = self.settings.state_dir.joinpath("work", *parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def account_of(self, environ: dict[str, Any]) -> str:
        """Return the account that a request's credentials belong to."""
        from moto.iam.models import get_account_id_from

        found = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        return str(get_account_id_from(found.group(1))) if found else self.settings.account

    def count(self, call: Call) -> None:
        """Count a call."""
        with self._count_lock:
            self._counts[f"{call.service}:{call.operation}"] += 1

    def counts(self, reset: bool = False) -> dict[str, int]:
        """Return how many calls each operation got since the start or the last reset."""
        with self._count_lock:
            counts = dict(self._counts)
            if reset:
                self._counts.clear()
        return counts

    def reset(self) -> None:
        """End all work and forget all resources."""
        from moto.moto_api._internal.models import moto_api_backend
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        self.faults.clear()
        self.clusters.close()
        self.job_runs.close()
        self.functions.close()
        self.supervisor.end_all()
        for regions in list(stepfunctions_parser_backends.values()):
            for backend in list(regions.values()):
                backend.stop_all()
        stepfunctions_parser_backends.reset()
        moto_api_backend.reset()
        self.mirror.clear()
        self.environments.clear()
        self.commands.clear()
        self.counts(reset=True)

    def close(self) -> None:
        """End all work."""
        self.clusters.close()
        self.functions.close()
        self.supervisor.close()
