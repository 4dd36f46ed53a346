"""The AWS CLI without its start-up: a script named ``aws`` that has a thread of the tests run the CLI.

A call of the CLI costs a second of CPU before it does anything; these tests make a hundred of them.
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import socketserver
import threading
import traceback

SHIM = """#!/usr/bin/env bash
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\0' "$#" "$@" >&3
IFS= read -r -d '' status <&3
IFS= read -r -d '' output <&3
IFS= read -r -d '' errors <&3
printf '%s' "$output"
printf '%s' "$errors" >&2
exit "$status"
"""


class ResidentCli:
    """Serves the script ``aws`` in a directory, to be put on PATH. It sees this process's environment.

    :param directory: where the script goes
    """

    def __init__(self, directory: pathlib.Path) -> None:
        lock = threading.Lock()  # the CLI writes to sys.stdout, which there is one of

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                arguments = [self.text() for _ in range(int(self.text()))]
                with lock:
                    answer = run(arguments)
                self.wfile.write(b"".join(str(part).encode() + b"\0" for part in answer))

            def text(self) -> str:
                return b"".join(iter(lambda: self.rfile.read(1), b"\0")).decode()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        script = directory / "aws"
        script.write_text(SHIM.format(port=self.server.server_address[1]))
        script.chmod(0o755)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def run(arguments: list[str]) -> tuple[int, str, str]:
    """One call of the CLI: its exit status, output and errors."""
    from awscli.clidriver import create_clidriver

    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = create_clidriver().main(arguments)
        except SystemExit as stop:
            status = stop.code
        except Exception:
            status = 255
            errors.write(traceback.format_exc())
    output.flush()
    return int(status or 0), output.buffer.getvalue().decode(), errors.getvalue()  # type: ignore[attr-defined]
