"""Reads values out of one connection; what is wrong is named with its path."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from mwaalib.exceptions import ConnectionSettingsError

log = logging.getLogger("mwaalib.connection")


class Reader:
    """Reads values out of one connection and names their path when they are wrong."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, path: str, message: str) -> ConnectionSettingsError:
        return ConnectionSettingsError(f"{self.source}: {path}: {message}")

    def text(self, path: str, value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.error(path, f"expected text, got {type(value).__name__}")
        return value

    def number(self, path: str, value: Any, *, whole: bool = False) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise self.error(path, "expected a number, got bool")
        try:
            found = int(value) if whole else float(value)
        except (TypeError, ValueError):
            raise self.error(path, f"expected a {'whole ' if whole else ''}number, got {value!r}") from None
        if found <= 0:
            raise self.error(path, f"expected a number above 0, got {value!r}")
        return found

    def mapping(self, path: str, value: Any) -> dict[str, Any]:
        if value is None or value == "":
            return {}
        if isinstance(value, str):  # a connection written as URI holds only text
            try:
                value = json.loads(value)
            except ValueError:
                raise self.error(path, "expected a JSON object, got text") from None
        if not isinstance(value, Mapping):
            raise self.error(path, f"expected a JSON object, got {type(value).__name__}")
        return dict(value)

    def items(self, path: str, value: Any) -> list[Any]:
        if value is None or value == "":
            return []
        if not isinstance(value, (list, tuple)):
            raise self.error(path, f"expected a list, got {type(value).__name__}")
        return list(value)

    def verify(self, path: str, value: Any) -> bool | str | None:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            # Templates and URIs turn a switch into text.
            return {"true": True, "false": False}.get(value.lower(), value)
        if not isinstance(value, bool):
            raise self.error(
                path, f"expected true, false or the path of a CA file, got {type(value).__name__}"
            )
        return value

    def warn(self, path: str, known: Any, consequence: str = "is not understood and has no effect") -> None:
        close = near(path.rsplit(".", 1)[-1], known)
        hint = f", did you mean {close[0]!r}?" if close else ""
        log.warning("%s: %s %s%s", self.source, path, consequence, hint)


def near(name: str, known: Any) -> list[str]:
    """Return the known name that comes closest, if one does."""
    from difflib import get_close_matches

    return get_close_matches(name, sorted(known), n=1, cutoff=0.7)
