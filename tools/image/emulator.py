"""moto's server with the jobs of the matrix in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from .services import STARTED, free_port, wait_for_port

WAIT_THEN_PASS = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 6, "Next": "Done"},
        "Done": {"Type": "Pass", "Result": {"answer": 42}, "End": True},
    },
}


class Moto:
    """A moto server in a process of its own, started by the interpreter that runs this.

    :param log: file for the server's output.
    """

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        STARTED.append(self.process)
        if not wait_for_port(self.port, 60):
            self.stop()
            raise RuntimeError(f"moto's server did not start; its output is in {log}")

    def client(self, service: str) -> Any:
        """Return a boto3 client of the server."""
        import boto3

        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Send a request to moto's own administration address."""
        request = urllib.request.Request(
            self.endpoint + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def seed(self) -> None:
        """Create what the matrix DAG needs: Glue jobs that take seconds, a state machine that runs."""
        self.post("/moto-api/config", {"stepfunctions": {"execute_state_machine": True}})
        self.post(
            "/moto-api/state-manager/set-transition",
            {"model_name": "glue::job_run", "transition": {"progression": "time", "seconds": 4}},
        )
        self.client("iam").create_role(RoleName="matrix", AssumeRolePolicyDocument="{}")
        glue = self.client("glue")
        for name in ("matrix-blocking", "matrix-deferred"):
            glue.create_job(
                Name=name,
                Role="matrix",
                Command={"Name": "glueetl", "ScriptLocation": "s3://bucket/script.py"},
            )
        self.client("stepfunctions").create_state_machine(
            name="matrix",
            definition=json.dumps(WAIT_THEN_PASS),
            roleArn="arn:aws:iam::123456789012:role/matrix",
        )

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
