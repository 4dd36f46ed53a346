"""The S3 buckets as directories, for Spark, kept in step both ways.

Spark reads and writes ``s3://bucket/key`` through Hadoop's ViewFileSystemOverloadScheme, which
mounts each bucket on a directory here. :meth:`Mirror.sync` compares both sides with what they
were at the last sync and carries each change over: what changed in S3 comes down, what a job
wrote goes up, deletions too. If both sides changed, the later one wins.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mwaalib.testing.standin.store import Store


@dataclass(frozen=True)
class _Seen:
    """One key at the last sync: S3's version of it and the file's."""

    remote: tuple[str, float]
    local: tuple[int, int]


class Mirror:
    """Directories that mirror all buckets.

    :param store: the S3 side.
    :param root: directory that holds one directory a bucket.
    """

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self.root = root
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}
        root.mkdir(parents=True, exist_ok=True)
        self.clear()  # an earlier stand-in's buckets are not this one's

    def sync(self) -> None:
        """Carry changes over in both directions for every bucket."""
        with self._lock:
            buckets = self._store.buckets()
            self._drop_removed(buckets)
            for bucket in buckets:
                (self.root / bucket).mkdir(exist_ok=True)
                self._sync_bucket(bucket)

    def clear(self) -> None:
        """Forget all buckets and remove their directories."""
        with self._lock:
            self._seen.clear()
            for path in self.root.iterdir():
                shutil.rmtree(path, ignore_errors=True)

    def directory(self, bucket: str) -> Path:
        """Return the directory that mirrors a bucket."""
        return self.root / bucket

    def _drop_removed(self, buckets: list[str]) -> None:
        for path in self.root.iterdir():
            if path.name not in buckets:
                shutil.rmtree(path, ignore_errors=True)
        self._seen = {place: seen for place, seen in self._seen.items() if place[0] in buckets}

    def _sync_bucket(self, bucket: str) -> None:
        objects = self._objects(bucket)
        files = self._files(self.root / bucket)
        known = {key for name, key in self._seen if name == bucket}
        for key in objects.keys() | files.keys() | known:
            if key.endswith("/"):
                continue
            self._sync_key(bucket, key, objects.get(key), files.get(key))

    def _sync_key(self, bucket: str, key: str, stored: Any, local: tuple[int, int] | None) -> None:
        seen = self._seen.get((bucket, key))
        remote = _version(stored) if stored is not None else None
        if seen and remote == seen.remote and local == seen.local:
            return
        remote_changed = remote != (seen.remote if seen else None)
        local_changed = local != (seen.local if seen else None)
        if remote_changed and local_changed and remote and local:
            remote_changed = remote[1] >= local[1] / 1e9
        elif remote_changed and local_changed:
            # Removed on one side and written on the other: what was written stays.
            remote_changed = remote is not None
        if remote_changed:
            self._down(bucket, key, stored)
        elif local_changed:
            self._up(bucket, key, local)

    def _down(self, bucket: str, key: str, stored: Any) -> None:
        path = self.root / bucket / key
        if stored is None:
            path.unlink(missing_ok=True)
            self._seen.pop((bucket, key), None)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(stored.value)
        partial.replace(path)
        self._seen[bucket, key] = _Seen(_version(stored), _stamp(path.stat()))

    def _up(self, bucket: str, key: str, local: tuple[int, int] | None) -> None:
        if local is None:
            self._store.s3.delete_object(bucket, key)
            self._seen.pop((bucket, key), None)
            return
        path = self.root / bucket / key
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # a job removed it meanwhile: the next sync sees that
            return
        stored = self._store.s3.put_object(bucket, key, content)
        self._seen[bucket, key] = _Seen(_version(stored), local)

    def _objects(self, bucket: str) -> dict[str, Any]:
        keys = self._store.s3.buckets[bucket].keys
        found = {key: keys.get(key) for key in list(keys)}
        return {key: value for key, value in found.items() if hasattr(value, "value")}

    @staticmethod
    def _files(root: Path) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for directory, names, files in os.walk(root):
            # A job's unfinished output: the committer renames it into place when it is done.
            names[:] = [n for n in names if n != "_temporary" and not n.startswith(".")]
            for name in files:
                if name.startswith(".") or name.endswith(".crc"):
                    continue
                path = Path(directory, name)
                try:
                    found[path.relative_to(root).as_posix()] = _stamp(path.stat())
                except FileNotFoundError:
                    continue
        return found


def _version(stored: Any) -> tuple[str, float]:
    return str(stored.etag), stored.last_modified.timestamp()


def _stamp(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns
