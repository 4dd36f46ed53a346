"""The native core. Whatever crosses the border is JSON text.

Values in requests: times are Unix seconds or ISO 8601 text, bytes are base64 text. Members without
value must be left out: AWS knows no null. Errors are the classes of `mwaalib.exceptions`.

Nothing here starts a thread or opens a socket before the first call. In a forked child everything is
made anew on first use.
"""

from collections.abc import Awaitable, Callable
from os import PathLike
from typing import final

__all__ = ["Session", "__version__", "configure", "metrics", "runtime_started", "states", "validate"]

__version__: str

@final
class Session:
    """Credentials, clients and connections of one connection's settings.

    Sessions with equal settings share them. Making one is cheap and calls nobody.

    :param settings: JSON object, see `mwaalib.connection.resolve`.
    :raises ConnectionSettingsError: for a setting that is unknown or malformed, naming it.
    """

    def __new__(cls, settings: str) -> Session: ...
    @property
    def region(self) -> str | None:
        """The region of the settings, the environment or the profile."""

    def call(self, service: str, operation: str, body: str) -> str:
        """Send a request and return the reply, retrying transient failures as the settings say.

        Signals are handled while it waits; what a handler raises ends the call.

        :param service: `emr`, `sfn`, `glue`, `ssm`, `logs`, `sts` or `iam`; boto3's names work too.
        :param operation: API name, as `RunJobFlow`.
        :param body: JSON object with the members that boto3 takes.
        :raises RequestValidationError: before anything is sent, naming the path and what may have been meant.
        :raises AwsError: when AWS refuses or cannot be reached.
        :raises CredentialsError: when there are no credentials.
        """

    def call_async(self, service: str, operation: str, body: str) -> Awaitable[str]:
        """Do the same for the running event loop."""

    def put_file(self, path: str | PathLike[str], bucket: str, key: str, replace: bool = True) -> None:
        """Upload a local file (S3 PutObject).

        :raises RequestValidationError: when the file cannot be read.
        :raises AwsError: when S3 refuses.
        """

    def start(self, job: str) -> str:
        """Start a job, or find the one that was started with the same key.

        :param job: JSON object: `kind`, `request`, `key`, `reuse`.
        :return: JSON object: `ids`, `parent`, `reattached`, `response` and more.
        """

    def cancel(self, wait: str) -> None:
        """Ask AWS to stop the jobs of a wait. Jobs that have ended are no error."""

    def wait(self, wait: str, on_event: Callable[[str], object] | None = None) -> str:
        """Wait in this thread until all jobs have succeeded or one has failed.

        Signals are handled while it waits; what a handler or `on_event` raises ends the wait.

        :param wait: JSON object: `kind`, `parent`, `ids`, `success`, `failure`, `delay` and `deadline` (seconds,
            Unix seconds), `verbose`, `since`.
        :param on_event: Called in this thread with the JSON of each state change, log line or notice.
        :return: JSON object: `results`, a list of `id`, `state`, `detail`.
        :raises JobFailedError: for the first job that failed, with its cause.
        :raises UnknownStateError: for a state that is in no table.
        :raises WaitTimeoutError: when the deadline passes first.
        """

    def wait_async(self, wait: str, on_event: Callable[[str], object] | None = None) -> Awaitable[str]:
        """Do the same for the running event loop; cancelling the awaitable drops the wait.

        :param on_event: Called in the loop's thread, in the context of this call.
        """

def validate(service: str, operation: str, body: str) -> None:
    """Check a request as `Session.call` does, and send nothing."""

def states(kind: str) -> str:
    """Return all states of a kind of job: `{"pending": [...], "success": [...], "failure": [...]}`."""

def configure(options: str) -> None:
    """Set call budgets and the like, for waits under way too."""

def metrics() -> str:
    """Return the wait engine's counters in this process."""

def runtime_started() -> bool:
    """Tell whether this process has started the runtime's threads."""
