#!/usr/bin/env python3
"""A Lambda function that answers from a script: tests put one file per function into a directory.

The file holds a JSON list of answers, used up one by one: ``{"set": {...}}`` changes the event,
``{"return": ...}`` replaces it, ``{"error": [type, message]}`` fails. `SCRIPTS` is replaced when packed.
"""

from __future__ import annotations

import json
import os
import pathlib
import urllib.request

SCRIPTS = pathlib.Path("@SCRIPTS@")
API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"]


def answer(event: object) -> tuple[str, object]:
    """The path to answer at and the answer."""
    with (SCRIPTS / f"{NAME}.events").open("a") as file:
        file.write(json.dumps(event) + "\n")
    script = SCRIPTS / f"{NAME}.json"
    first, *rest = json.loads(script.read_text())
    script.write_text(json.dumps(rest))
    if "error" in first:
        kind, message = first["error"]
        return "error", {"errorType": kind, "errorMessage": message}
    if "set" in first:
        return "response", {**event, **first["set"]}  # type: ignore[dict-item]
    return "response", first["return"]


while True:
    with urllib.request.urlopen(f"{API}/next") as reply:
        identity = reply.headers["Lambda-Runtime-Aws-Request-Id"]
        path, body = answer(json.load(reply))
    request = urllib.request.Request(f"{API}/{identity}/{path}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()
