"""Lambda: an invocation runs the function's own program.

moto runs functions in Docker, and without Docker every invocation fails; it calls every failure
Handled.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Invoke functions in local processes."""
    from moto.awslambda.models import LambdaFunction

    def run(self: Any, event: str) -> Any:
        result = runtime.functions.invoke(self, event)
        stream = f"standin/[$LATEST]{self.code_sha_256[:16]}"
        runtime.store.log(self.region, self.logs_group_name, stream, result.log)
        return result

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        event = (body if isinstance(body, str) else (body or b"").decode()) or "{}"
        try:
            json.loads(event)
        except ValueError as error:
            raise AwsError(
                "InvalidRequestContentException", f"Could not parse request body into json: {error}"
            ) from None
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "Event":
            threading.Thread(target=run, args=(self, event), daemon=True).start()
        if kind in ("Event", "DryRun"):
            return b""
        result = run(self, event)
        if result.error:
            response_headers["x-amz-function-error"] = result.error
        response_headers["x-amz-log-result"] = base64.b64encode(result.log.encode()[-4096:]).decode()
        response_headers["x-amz-executed-version"] = "$LATEST"
        return str(result.payload).encode()

    LambdaFunction.invoke = invoke
