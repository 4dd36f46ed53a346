"""Errors of AWS as its JSON and XML protocols write them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from mwaalib.testing.standin.call import Call

StartResponse = Callable[..., Any]


class AwsError(Exception):
    """An error that a call of the stand-in answers with.

    :param code: AWS error code.
    :param message: its message.
    :param status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def respond(
    start_response: StartResponse, status: int, body: bytes, content_type: str, **headers: str
) -> Iterable[bytes]:
    """Send a whole response."""
    phrase = HTTPStatus(status).phrase
    start_response(
        f"{status} {phrase}",
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
            *headers.items(),
        ],
    )
    return [body]


def respond_json(start_response: StartResponse, value: Any, status: int = 200) -> Iterable[bytes]:
    """Send a JSON value in AWS's JSON 1.1 protocol."""
    return respond(start_response, status, json.dumps(value).encode(), "application/x-amz-json-1.1")


def respond_error(call: Call, error: AwsError, start_response: StartResponse) -> Iterable[bytes]:
    """Send an error in the protocol that the call speaks."""
    if call.json:
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return respond(
            start_response,
            error.status,
            body,
            "application/x-amz-json-1.1",
            **{"x-amzn-ErrorType": error.code},
        )
    fields = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    request_id = f"<RequestId>{uuid.uuid4()}</RequestId>"
    if call.service == "s3":
        text = f"<Error>{fields}{request_id}</Error>"
    else:
        kind = "Receiver" if error.status >= 500 else "Sender"
        text = f"<ErrorResponse><Error><Type>{kind}</Type>{fields}</Error>{request_id}</ErrorResponse>"
    return respond(start_response, error.status, text.encode(), "text/xml")
