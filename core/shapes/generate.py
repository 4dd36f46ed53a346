"""Write the shape tables that requests are checked against, from botocore's service models.

Usage: python core/shapes/generate.py          rewrites core/shapes/*.txt
       python core/shapes/generate.py --check  exits 1 when they are out of date

Needs botocore. A table holds the input shapes of the operations that `Session::call` offers, one a line:

    Operation = Shape             the operation's input
    Shape { Name!s Steps:Steps    structure; `!` required, `~` filled in when absent (idempotency token)
    Shape | A:s B:Other           structure of which exactly one member is set
    Steps [ Step                  list
    Tags < s                      map with text keys
    s i n b t x d                 text, whole number, number, boolean, time, bytes, anything
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVICES = HERE.parent / "src" / "service"
# Our name of a service -> botocore's.
MODELS = {
    "emr": "emr",
    "sfn": "stepfunctions",
    "glue": "glue",
    "ssm": "ssm",
    "logs": "logs",
    "sts": "sts",
    "iam": "iam",
}
SCALARS = {
    "string": "s",
    "character": "s",
    "integer": "i",
    "long": "i",
    "float": "n",
    "double": "n",
    "boolean": "b",
    "timestamp": "t",
    "blob": "x",
}


class Table:
    """The lines of one service's table."""

    def __init__(self, model: dict[str, Any]) -> None:
        self.shapes = model["shapes"]
        self.operations = model["operations"]
        self.lines: dict[str, str] = {}

    def add_operation(self, name: str) -> None:
        """Add an operation's line and all shapes it reaches."""
        if name not in self.operations:
            raise SystemExit(f"this botocore has no operation {name}")
        given = self.operations[name].get("input")
        self.lines[f"{name} ="] = self.kind(given["shape"]) if given else "-"

    def kind(self, name: str) -> str:
        """Return how a member of this shape is written, adding the shape's own line if it has one."""
        shape = self.shapes[name]
        if shape.get("document"):
            return "d"
        if shape["type"] in SCALARS:
            return SCALARS[shape["type"]]
        mark = {"structure": "|" if shape.get("union") else "{", "list": "[", "map": "<"}[shape["type"]]
        key = f"{name} {mark}"
        if len(name) < 2:
            raise SystemExit(f"shape name {name!r} would be read as a scalar")
        if key not in self.lines:
            self.lines[key] = ""  # shapes may contain themselves
            self.lines[key] = self.content(shape)
        return name

    def content(self, shape: dict[str, Any]) -> str:
        if shape["type"] == "list":
            return self.kind(shape["member"]["shape"])
        if shape["type"] == "map":
            return self.kind(shape["value"]["shape"])
        required = set(shape.get("required", ()))
        members = []
        for name, member in shape["members"].items():
            mark = "~" if member.get("idempotencyToken") else "!" if name in required else ":"
            members.append(f"{name}{mark}{self.kind(member['shape'])}")
        return " ".join(members)

    def text(self) -> str:
        return "".join(f"{key} {value}".rstrip() + "\n" for key, value in sorted(self.lines.items()))


def offered(service: str) -> list[str]:
    """Return the operations that the core offers of a service, read from its table in Rust."""
    source = (SERVICES / service / "mod.rs").read_text()
    names = re.findall(r'^\s+"([A-Z]\w+)"(?: => \w+)?,(?: //)?$', source, re.MULTILINE)
    if not names:
        raise SystemExit(f"no operations found in {service}/mod.rs")
    return names


def main() -> int:
    """Write the tables, or check them."""
    from botocore.loaders import Loader

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail when a table is out of date"
    )
    check = parser.parse_args().check
    stale = []
    for service, model in MODELS.items():
        table = Table(Loader().load_service_model(model, "service-2"))
        for name in offered(service):
            table.add_operation(name)
        path = HERE / f"{service}.txt"
        text = table.text()
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if not check:
                path.write_text(text)
    if stale:
        print(("out of date: " if check else "written: ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
