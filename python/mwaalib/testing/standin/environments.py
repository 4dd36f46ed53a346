"""Amazon MWAA environments: their settings, their states in time; no Airflow runs in them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.overlay import Request

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

_CHANGING = ("CREATING", "UPDATING", "DELETING")
_REQUIRED = ("ExecutionRoleArn", "SourceBucketArn", "DagS3Path", "NetworkConfiguration")
_FILES = ("Plugins", "Requirements", "StartupScript")


class Environments:
    """All environments of the stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._environments: dict[tuple[str, str], dict[str, Any]] = {}
        self._ready: dict[tuple[str, str], float] = {}

    def create(self, request: Request) -> dict[str, Any]:
        """CreateEnvironment.

        :raises AwsError: it exists, a setting or a file is missing.
        """
        body, place = request.body, (request.region, request.body["Name"])
        with self._lock:
            if place in self._environments:
                raise AwsError("ValidationException", f"Environment {body['Name']} already exists")
            missing = [name for name in _REQUIRED if not body.get(name)]
            if missing:
                raise AwsError("ValidationException", f"missing: {', '.join(missing)}")
            self._check_files(body)
            arn = f"arn:aws:airflow:{request.region}:{request.account}:environment/{body['Name']}"
            defaults = {"AirflowVersion": "3.3.1", "EnvironmentClass": "mw1.small", "Tags": {}}
            self._environments[place] = {
                **defaults,
                **body,
                "Arn": arn,
                "CreatedAt": time.time(),
                "Status": "CREATING",
                "WebserverUrl": f"{body['Name']}.{request.region}.airflow.amazonaws.com",
            }
            self._ready[place] = time.monotonic() + self._runtime.settings.phase("mwaa.changing")
        return {"Arn": arn}

    def get(self, request: Request) -> dict[str, Any]:
        """GetEnvironment."""
        with self._lock:
            return {"Environment": self._find(request)}

    def update(self, request: Request) -> dict[str, Any]:
        """UpdateEnvironment.

        :raises AwsError: no such environment, it is changing, or a file is missing.
        """
        with self._lock:
            environment = self._find(request)
            if environment["Status"] in _CHANGING:
                raise AwsError("ValidationException", f"Environment is {environment['Status']}")
            changed = {**environment, **request.body}
            self._check_files(changed)
            environment.update(
                changed,
                Status="UPDATING",
                LastUpdate={"CreatedAt": time.time(), "Source": "API", "Status": "PENDING"},
            )
            place = (request.region, environment["Name"])
            self._ready[place] = time.monotonic() + self._runtime.settings.phase("mwaa.changing")
            return {"Arn": environment["Arn"]}

    def delete(self, request: Request) -> dict[str, Any]:
        """DeleteEnvironment."""
        with self._lock:
            self._find(request)
            del self._environments[request.region, request.body["Name"]]
        return {}

    def list(self, request: Request) -> dict[str, Any]:
        """ListEnvironments."""
        with self._lock:
            return {"Environments": [name for region, name in self._environments if region == request.region]}

    def drive(self, name: str, region: str, state: str, message: str) -> None:
        """Put an environment into a state that a test wants, as the end of its last update.

        :raises LookupError: no such environment.
        """
        with self._lock:
            if (region, name) not in self._environments:
                raise LookupError(f"no such environment: {name}")
            environment = self._environments[region, name]
            environment["Status"] = state
            self._ready.pop((region, name), None)
            if message:
                environment["LastUpdate"] = {
                    "CreatedAt": time.time(),
                    "Status": "FAILED",
                    "Error": {"ErrorCode": "INCORRECT_CONFIGURATION", "ErrorMessage": message},
                }

    def clear(self) -> None:
        """Forget all environments."""
        with self._lock:
            self._environments.clear()
            self._ready.clear()

    def _find(self, request: Request) -> dict[str, Any]:
        place = (request.region, request.body.get("Name", ""))
        environment = self._environments.get(place)
        if environment is None:
            raise AwsError("ResourceNotFoundException", f"Environment {place[1]} not found", status=404)
        if place in self._ready and time.monotonic() >= self._ready[place]:
            del self._ready[place]
            environment["Status"] = "AVAILABLE"
            if "LastUpdate" in environment:
                environment["LastUpdate"]["Status"] = "SUCCESS"
        return environment

    def _check_files(self, settings: dict[str, Any]) -> None:
        bucket = settings["SourceBucketArn"].rpartition(":")[2]
        for name in _FILES:
            key, version = settings.get(f"{name}S3Path"), settings.get(f"{name}S3ObjectVersion")
            if not key:
                continue
            versions = self._runtime.store.versions(bucket, key)
            if not versions or (version and version not in versions):
                raise AwsError(
                    "ValidationException",
                    f"Unable to read version {version} of {key} from bucket {bucket}: no such object version",
                )
