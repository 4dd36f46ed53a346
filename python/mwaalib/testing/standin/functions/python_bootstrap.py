"""The runtime of python3.x functions: polls the runtime API and calls the handler."""

import importlib
import json
import os
import sys
import traceback
import urllib.request
from email.message import Message


class _Context:
    def __init__(self, headers: Message) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]


def _post(path: str, body: str) -> None:
    request = urllib.request.Request(f"{_BASE}/{path}", data=body.encode(), method="POST")
    urllib.request.urlopen(request).read()


def _error(error: Exception) -> str:
    frames = traceback.format_tb(error.__traceback__)
    return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": frames})


_BASE = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"


def main() -> None:
    """Load the handler named on the command line, then serve invocations."""
    sys.path.insert(0, os.getcwd())
    module, _, name = sys.argv[1].rpartition(".")
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as error:
        _post("init/error", _error(error))
        sys.exit(1)
    while True:
        with urllib.request.urlopen(f"{_BASE}/invocation/next") as reply:
            headers, event = reply.headers, json.loads(reply.read() or b"{}")
        context = _Context(headers)
        try:
            answer = json.dumps(handler(event, context))
        except Exception as error:
            traceback.print_exc()
            _post(f"invocation/{context.aws_request_id}/error", _error(error))
        else:
            _post(f"invocation/{context.aws_request_id}/response", answer)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
