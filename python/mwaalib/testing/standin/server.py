"""Starts the stand-in, serves until it is told to stop, and leaves nothing behind."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from mwaalib.testing.standin.settings import Settings

log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Once the port answers, ``standin.json`` in the state directory holds process id, port and endpoint.

    :return: exit status.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    state = settings.state_dir / "standin.json"
    state.unlink(missing_ok=True)  # left by one that was killed
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    # moto's own clients must never reach for the user's credentials.
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # AWS's own policies, which roles attach
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    try:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server
    except ImportError as error:
        print(
            f"the stand-in needs moto's server: pip install '<the wheel>[testing]' ({error})", file=sys.stderr
        )
        return 1

    class Handler(MotoRequestHandler):
        def log(self, type: str, message: str, *args: object) -> None:
            pass

    late = _Late()
    try:
        server = make_server("127.0.0.1", settings.port, late, threaded=True, request_handler=Handler)
    except (OSError, SystemExit):
        print(f"port {settings.port} on 127.0.0.1 is in use", file=sys.stderr)
        return 1
    port = server.server_address[1]
    os.environ["MOTO_PORT"] = str(port)

    from mwaalib.testing.standin.app import Application
    from mwaalib.testing.standin.patches import apply_all
    from mwaalib.testing.standin.runtime import Runtime

    runtime = Runtime(settings, int(port))
    try:
        apply_all(runtime)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        runtime.close()
        return 1
    late.application = Application(runtime)

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _write(state, {"pid": os.getpid(), "port": port, "endpoint": runtime.endpoint})
    print(f"AWS stand-in on {runtime.endpoint}, state in {settings.state_dir}", flush=True)
    try:
        server.serve_forever()
    finally:
        state.unlink(missing_ok=True)
        runtime.close()
    # moto leaves threads of its own behind, which would hold the process.
    sys.stdout.flush()
    os._exit(0)


class _Late:
    """A WSGI application that is known only after the port is."""

    application: object = None

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        return self.application(environ, start_response)  # type: ignore[operator]


def _write(path: Path, content: dict[str, object]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content))
    partial.replace(path)
