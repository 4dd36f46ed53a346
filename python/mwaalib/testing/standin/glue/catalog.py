"""Tables from the files at an S3 address."""

from __future__ import annotations

import csv
import fnmatch
import io
import re
import tempfile
from dataclasses import dataclass, field
from typing import Any

from mwaalib.testing.standin.store import Store, split_s3_url

_PARTITION = re.compile(r"([^/=]+)=([^/]*)")
_HIDDEN = ("_", ".")


class CrawlError(Exception):
    """Why a crawl failed."""


@dataclass
class _Table:
    """What a crawl found of one table."""

    name: str
    location: str
    files: list[str] = field(default_factory=list)

    @property
    def classification(self) -> str:
        names = [name.lower() for name in self.files]
        if all(".parquet" in name for name in names):
            return "parquet"
        if all(name.endswith(".csv") for name in names):
            return "csv"
        return "UNKNOWN"


_FORMATS = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    "csv": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        {"field.delim": ","},
    ),
}


def crawl_target(
    store: Store, backend: Any, database: str, path: str, prefix: str, crawler: str, exclusions: list[str]
) -> list[str]:
    """Create or update the table of one S3 target.

    :param store: S3.
    :param backend: moto's Glue backend.
    :param database: database of the table.
    :param path: the target's Path.
    :param prefix: the crawler's TablePrefix.
    :param crawler: the crawler's name, kept in the table's parameters.
    :param exclusions: glob patterns relative to the path.
    :return: names of the tables written.
    :raises CrawlError: the path is missing or a file cannot be read.
    """
    bucket, key = split_s3_url(path)
    root = key.rstrip("/") + "/" if key else ""
    try:
        keys = store.keys(f"s3://{bucket}/{root}")
    except FileNotFoundError as error:
        raise CrawlError(
            f"Crawler cannot be started. The S3 location {path} does not exist: {error}"
        ) from None
    if not keys:
        raise CrawlError(f"The S3 location {path} does not exist or holds no object.")
    relative = [k[len(root) :] for k in keys]
    files = [
        name
        for name in relative
        if name
        and not name.endswith("/")
        and not any(part.startswith(_HIDDEN) for part in name.split("/"))
        and not any(fnmatch.fnmatch(name, pattern) for pattern in exclusions)
    ]
    written = []
    for table in _tables(bucket, root, files):
        if table.classification == "UNKNOWN":
            continue
        _write(store, backend, database, table, prefix, crawler)
        written.append(table.name)
    return written


def _tables(bucket: str, root: str, files: list[str]) -> list[_Table]:
    """Group files: those in the root or in its partition folders are one table, each other folder another."""
    found: dict[str, _Table] = {}
    for name in files:
        folders = name.split("/")[:-1]
        own = [f for f in folders if not _PARTITION.fullmatch(f)]
        folder = root + "".join(f"{f}/" for f in own)
        label = (folder.rstrip("/").rsplit("/", 1)[-1]) or bucket
        table = found.setdefault(folder, _Table(_identifier(label), f"s3://{bucket}/{folder}"))
        table.files.append(f"{root}{name}")
    return list(found.values())


def _write(store: Store, backend: Any, database: str, table: _Table, prefix: str, crawler: str) -> None:
    bucket, folder = split_s3_url(table.location)
    sample = f"s3://{bucket}/{table.files[0]}"
    try:
        columns = _columns(table.classification, store.read(sample))
    except Exception as error:
        raise CrawlError(f"Unable to read {sample}: {error}") from error
    partitions = {_values(f[len(folder) :]): f.rsplit("/", 1)[0] + "/" for f in table.files}
    names = [name for name, _ in _PARTITION.findall(table.files[0][len(folder) :])]
    known = {c["Name"] for c in columns}
    keys = [{"Name": _identifier(name), "Type": "string"} for name in names if _identifier(name) not in known]
    parameters = {
        "classification": table.classification,
        "typeOfData": "file",
        "objectCount": str(len(table.files)),
        "UPDATED_BY_CRAWLER": crawler,
    }
    if table.classification == "csv":
        parameters |= {"skip.header.line.count": "1", "delimiter": ","}
    table_input = {
        "Name": prefix + table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": keys,
        "StorageDescriptor": _descriptor(table.classification, columns, table.location, parameters),
    }
    if table_input["Name"] in backend.databases[database].tables:
        backend.update_table(database, table_input["Name"], table_input)
    else:
        backend.create_table(database, table_input["Name"], table_input)
    if not keys:
        return
    stored = backend.get_table(database, table_input["Name"])
    for values, place in partitions.items():
        if str(list(values)) not in stored.partitions:
            descriptor = _descriptor(table.classification, columns, f"s3://{bucket}/{place}", parameters)
            stored.create_partition({"Values": list(values), "StorageDescriptor": descriptor})


def _values(path: str) -> tuple[str, ...]:
    return tuple(value for _, value in _PARTITION.findall(path))


def _descriptor(
    kind: str, columns: list[dict[str, str]], location: str, parameters: dict[str, str]
) -> dict[str, Any]:
    reader, writer, serde, serde_parameters = _FORMATS[kind]
    return {
        "Columns": columns,
        "Location": location,
        "InputFormat": reader,
        "OutputFormat": writer,
        "Compressed": kind == "parquet",
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters},
        "Parameters": parameters,
        "StoredAsSubDirectories": False,
    }


def _columns(kind: str, content: bytes) -> list[dict[str, str]]:
    if kind == "parquet":
        return _parquet_columns(content)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"))))[:200]
    if not rows:
        return []
    body = list(zip(*rows[1:], strict=False)) or [()] * len(rows[0])
    return [{"Name": _identifier(n), "Type": _csv_type(v)} for n, v in zip(rows[0], body, strict=False)]


def _csv_type(values: tuple[str, ...]) -> str:
    filled = [value for value in values if value]
    for kind, name in ((int, "bigint"), (float, "double")):
        try:
            for value in filled:
                kind(value)
        except ValueError:
            continue
        if filled:
            return name
    return "string"


def _parquet_columns(content: bytes) -> list[dict[str, str]]:
    import duckdb

    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as database:
        file.write(content)
        file.flush()
        found = database.read_parquet(file.name)
        return [
            {"Name": _identifier(name), "Type": _glue_type(kind)}
            for name, kind in zip(found.columns, found.types, strict=True)
        ]


_GLUE_TYPES = {
    "integer": "int",
    "varchar": "string",
    "blob": "binary",
    "timestamp with time zone": "timestamp",
}


def _glue_type(kind: Any) -> str:
    if kind.id == "decimal":
        return "decimal({},{})".format(*(value for _, value in kind.children))
    if kind.id == "list":
        return f"array<{_glue_type(kind.children[0][1])}>"
    if kind.id == "map":
        return "map<{},{}>".format(*(_glue_type(part) for _, part in kind.children))
    if kind.id == "struct":
        return "struct<" + ",".join(f"{name}:{_glue_type(part)}" for name, part in kind.children) + ">"
    return _GLUE_TYPES.get(kind.id, str(kind.id))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()
