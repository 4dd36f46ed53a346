"""The stand-in's own access to its S3 objects and CloudWatch logs, without HTTP."""

from __future__ import annotations

import re
import time
from typing import Any

_S3_URL = re.compile(r"s3[an]?://([^/]+)/?(.*)", re.DOTALL)


def split_s3_url(url: str) -> tuple[str, str]:
    """Split ``s3://bucket/key``.

    :raises ValueError: it is no S3 address.
    """
    match = _S3_URL.fullmatch(url)
    if match is None:
        raise ValueError(f"not an S3 address: {url!r}")
    return match.group(1), match.group(2)


class Store:
    """S3 objects and log events of one account.

    :param account: AWS account id.
    """

    def __init__(self, account: str) -> None:
        self._account = account

    @property
    def s3(self) -> Any:
        """moto's S3 backend."""
        from moto.s3.models import s3_backends

        return s3_backends[self._account]["aws"]

    def buckets(self) -> list[str]:
        """Return the names of all buckets."""
        return list(self.s3.buckets)

    def read(self, url: str) -> bytes:
        """Return an object's content.

        :raises FileNotFoundError: no such bucket or key.
        """
        bucket, key = split_s3_url(url)
        found: Any = self.s3.buckets[bucket].keys.get(key) if bucket in self.s3.buckets else None
        if not hasattr(found, "value"):  # missing, or a delete marker
            raise FileNotFoundError(f"no such object: s3://{bucket}/{key}")
        return bytes(found.value)

    def versions(self, bucket: str, key: str) -> list[str]:
        """Return the ids of an object's versions; none when there is no such object."""
        keys: Any = self.s3.buckets[bucket].keys if bucket in self.s3.buckets else None
        return [str(version.version_id) for version in keys.getlist(key)] if keys and key in keys else []

    def write(self, url: str, content: bytes) -> None:
        """Write an object.

        :raises FileNotFoundError: no such bucket.
        """
        bucket, key = split_s3_url(url)
        if bucket not in self.s3.buckets:
            raise FileNotFoundError(f"no such bucket: {bucket}")
        self.s3.put_object(bucket, key, content)

    def keys(self, url: str) -> list[str]:
        """Return the keys under an address.

        :raises FileNotFoundError: no such bucket.
        """
        bucket, prefix = split_s3_url(url)
        if bucket not in self.s3.buckets:
            raise FileNotFoundError(f"no such bucket: {bucket}")
        keys = self.s3.buckets[bucket].keys
        return [k for k in list(keys) if k.startswith(prefix) and hasattr(keys.get(k), "value")]

    def log(self, region: str, group: str, stream: str, text: str) -> None:
        """Append lines to a CloudWatch log stream; group and stream are made when missing."""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            return
        from moto.logs.models import logs_backends

        backend = logs_backends[self._account][region]
        backend.ensure_log_group(group)
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        now = int(time.time() * 1000)
        for start in range(0, len(lines), 1000):
            events = [{"timestamp": now, "message": line} for line in lines[start : start + 1000]]
            backend.put_log_events(group, stream, events)
