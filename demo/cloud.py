"""The AWS stand-in: started, given the two buckets, and deployed to by the real deploy script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from demo.console import Console, DemoError
from demo.layout import DATA_BUCKET, MARKER, MWAA_BUCKET, ROOT, Layout

LEASH = Path(__file__).with_name("leash.py")
REGION = "us-east-1"


def leashed(command: list[str]) -> list[str]:
    """Return a command as a process that ends with us."""
    return [sys.executable, "-S", str(LEASH), str(os.getpid()), *command]


def clean_environment(layout: Layout) -> dict[str, str]:
    """Return our environment without what would reach real AWS accounts or another Python."""
    dropped = ("AWS_", "AIRFLOW", "PYTHON", "VIRTUAL_ENV", "SPARK_", "MWAALIB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    name, _, value = layout.marker.partition("=")
    assert name == MARKER
    # What talks to this machine must not go through a proxy.
    return {**kept, name: value, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


class Cloud:
    """A running stand-in and the AWS CLI pointed at it.

    :param layout: where the demo keeps its files.
    :param console: for progress.
    """

    def __init__(self, layout: Layout, console: Console) -> None:
        self.layout, self.console = layout, console
        self.endpoint = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.log = layout.folder("logs/services") / "standin.log"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of programs that use the stand-in as their AWS."""
        return {
            **clean_environment(self.layout),
            "PATH": f"{self.layout.standin_python.parent}:{os.environ.get('PATH', '')}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def start(self) -> None:
        """Start the stand-in and wait until it answers.

        :raises DemoError: if it does not.
        """
        state = self.layout.home / "standin"
        shutil.rmtree(state, ignore_errors=True)
        python = str(self.layout.standin_python)
        command = [python, "-m", "mwaalib.testing.standin", "--port", "0", "--state-dir", str(state)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                leashed(command),
                env=clean_environment(self.layout),
                cwd=self.layout.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ready = state / "standin.json"
        until = time.monotonic() + 90
        while not ready.exists():
            self.check()
            if time.monotonic() > until:
                raise DemoError(f"the AWS stand-in does not answer; see {self.log}")
            time.sleep(0.1)
        self.endpoint = json.loads(ready.read_text())["endpoint"]

    def check(self) -> None:
        """Raise a `DemoError` if the stand-in has ended."""
        if self.process is None or self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-1500:]
            raise DemoError(f"the AWS stand-in has ended; the end of {self.log}:\n{tail}")

    def aws(self, *arguments: str) -> str:
        """Run the AWS CLI and return its output.

        :raises DemoError: if it fails, with its words.
        """
        return self.run([str(self.layout.standin_python.with_name("aws")), *arguments])

    def run(self, command: list[str]) -> str:
        """Run a program with the stand-in as its AWS and return its output.

        :raises DemoError: if it fails, with its words.
        """
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoError(
                f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}".rstrip()
            )
        return done.stdout

    def deploy(self) -> None:
        """Make the two buckets, as a user has them, and run setup/deploy.sh."""
        for bucket in (MWAA_BUCKET, DATA_BUCKET):
            self.aws("s3", "mb", f"s3://{bucket}")
        self.aws(
            *("s3api", "put-bucket-versioning", "--bucket", MWAA_BUCKET),
            *("--versioning-configuration", "Status=Enabled"),
        )
        command = ["bash", str(ROOT / "setup" / "deploy.sh"), "-s", MWAA_BUCKET, "-d", DATA_BUCKET]
        with subprocess.Popen(
            command,
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            with (self.layout.folder("logs/services") / "deploy.log").open("w") as log:
                for line in process.stdout:
                    log.write(line)
                    if line.strip():
                        self.console.say(f"  | {line.rstrip()}")
        if process.returncode:
            raise DemoError(f"setup/deploy.sh ended with {process.returncode}; what it said is above")

    def upload_dataset(self, path: Path) -> str:
        """Put the data set where the DAG's collect step can fetch it, and return its address."""
        # The user's file may have a name that the DAG's param does not take, such as one with a space.
        address = f"s3://{DATA_BUCKET}/datasets/dataset.zip"
        self.aws("s3", "cp", "--only-show-errors", str(path), address)
        return address

    def download(self, address: str, folder: Path) -> None:
        """Make a folder the same as an ``s3://`` prefix."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.aws("s3", "cp", "--only-show-errors", "--recursive", address, str(folder))
