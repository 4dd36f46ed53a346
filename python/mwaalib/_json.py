"""JSON as it crosses the border to the native core, and back in the shape boto3 gives."""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

from mwaalib.exceptions import MwaalibError


def dumps(value: Any) -> str:
    """Encode a request for the native core.

    Takes what boto3 takes: datetimes become epoch seconds, bytes base64, decimals numbers, sets and
    tuples lists. None of a dict is left out, as boto3 has no null.

    :raises TypeError: for a value that no AWS request can hold, naming its type.
    """
    return json.dumps(_prune(value), default=_encode, separators=(",", ":"))


def loads(text: str) -> Any:
    """Decode a reply of the native core."""
    return json.loads(text)


def literal(value: Any, name: str) -> Any:
    """Return a value that a template may have turned into text.

    :param value: The value, or its text as Python or JSON.
    :param name: What it is called in the error.
    """
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        pass
    try:
        return json.loads(value)
    except ValueError as error:
        raise MwaalibError(f"{name}: not a Python or JSON literal ({error})") from None


def _prune(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _prune(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_prune(item) for item in value]
    return value


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        # AWS reads naive times as UTC, and so does boto3.
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    # Lazy values of Airflow (proxies of Variable, XCom sequences) know how to become text or a list.
    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
        return list(value)
    raise TypeError(
        f"a value of type {type(value).__module__}.{type(value).__qualname__} cannot be sent to AWS"
    )
