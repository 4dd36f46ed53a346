"""An Amazon MWAA with one environment, whose updates end as a test wants."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeMwaa:
    """Answers GetEnvironment and UpdateEnvironment; an update takes two looks.

    :param bucket: the environment's bucket
    :param outcome: how updates end: SUCCESS or FAILED
    """

    def __init__(self, bucket: str, outcome: str = "SUCCESS") -> None:
        self.environment: dict[str, Any] = {
            "Name": "airflow",
            "Status": "AVAILABLE",
            "AirflowVersion": "3.3.1",
            "SourceBucketArn": f"arn:aws:s3:::{bucket}",
            "DagS3Path": "flows/",
        }
        self.outcome = outcome
        self.updates: list[dict[str, Any]] = []
        self.looks = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(*fake.get(self.path))

            def do_PATCH(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.reply(*fake.update(json.loads(body)))

            def reply(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status == 404:
                    self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that send the AWS CLI here."""
        return {
            "AWS_ENDPOINT_URL_MWAA": f"http://127.0.0.1:{self.server.server_port}",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        if path != "/environments/airflow":
            return 404, {"Message": "no such environment"}
        if self.environment["Status"] == "UPDATING":
            self.looks += 1
            if self.looks > 2:
                self.finish()
        return 200, {"Environment": self.environment}

    def update(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.updates.append(request)
        self.looks = 0
        self.environment["Status"] = "UPDATING"
        self.environment["LastUpdate"] = {"Status": "PENDING", "CreatedAt": 1_700_000_000 + len(self.updates)}
        return 200, {"Arn": "arn:aws:airflow:us-east-1:123456789012:environment/airflow"}

    def finish(self) -> None:
        update = self.environment["LastUpdate"]
        update["Status"] = self.outcome
        self.environment["Status"] = "AVAILABLE"
        if self.outcome == "SUCCESS":
            asked = self.updates[-1]
            self.environment["PluginsS3ObjectVersion"] = asked["PluginsS3ObjectVersion"]
            self.environment["RequirementsS3ObjectVersion"] = asked["RequirementsS3ObjectVersion"]
        else:
            update["Error"] = {
                "ErrorCode": "INCORRECT_CONFIGURATION",
                "ErrorMessage": "requirements do not install",
            }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
