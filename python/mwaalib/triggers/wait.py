"""The one trigger: waits for any job of AWS, in the triggerer.

Waits of one connection share a native session, whose pollers answer many waits with one call. The
connection is read off the event loop, once for all waits that use it, and read again from time to
time so that rotated credentials reach waits that run already.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from weakref import WeakKeyDictionary

from airflow.triggers.base import BaseTrigger, TriggerEvent

from mwaalib import _native, connection, metrics
from mwaalib.exceptions import InternalError, MwaalibError
from mwaalib.job import log_event

# Seconds after which a connection in use is read again.
REFRESH = 60.0
# Bytes of a service's description that an error may carry through Airflow's database.
_DETAIL_LIMIT = 8192

log = logging.getLogger(__name__)

_Key = tuple[Any, ...]


class WaitTrigger(BaseTrigger):
    """Waits until jobs of AWS have ended.

    Fires one event: `{"status": "success" | "error", "wait": {...}, "error": {...}}`, read by
    `mwaalib.job.read_event`.

    :param wait: JSON form of a `mwaalib.job.Wait`; its deadline is absolute, so a restart of the
        triggerer neither shortens nor lengthens it.
    :param aws_conn_id: Airflow connection; None means the default credential chain.
    :param region_name: Region, over that of the connection.
    :param verify: Whether to check certificates, or the path of a CA file.
    :param botocore_config: Client options, as dict.
    :param service: boto3's name of the service.
    :param cancel_on_kill: Whether the job is cancelled when a user kills the deferred task (from
        Airflow 3.3 on, which is when triggers are told).
    """

    def __init__(
        self,
        wait: dict[str, Any],
        aws_conn_id: str | None = connection.DEFAULT_CONN_ID,
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        service: str | None = None,
        cancel_on_kill: bool = False,
        **unknown: Any,
    ) -> None:
        # `unknown` is what a newer version wrote before a downgrade.
        super().__init__()  # type: ignore[no-untyped-call]
        self.wait = wait
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.service = service
        self.cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger anew."""
        return (
            "mwaalib.triggers.wait.WaitTrigger",
            {
                "wait": self.wait,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
                "verify": self.verify,
                "botocore_config": self.botocore_config,
                "service": self.service,
                "cancel_on_kill": self.cancel_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire the one event."""
        error: MwaalibError | None = None
        try:
            await self._run()
        except MwaalibError as known:
            error = known
        except Exception as unknown:
            self.log.exception("The wait failed in a way it should not")
            error = InternalError(f"{type(unknown).__name__}: {unknown}")
        yield TriggerEvent(self._payload(error))  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Cancel the job after a user has killed the deferred task."""
        if not self.cancel_on_kill:
            return
        async with _sessions().lease(self._key()) as lease:
            await asyncio.get_running_loop().run_in_executor(
                None, lease.session.cancel, json.dumps(self.wait)
            )

    async def _run(self) -> None:
        text = json.dumps(self.wait)
        async with _sessions().lease(self._key()) as lease:
            while True:
                waiting = asyncio.ensure_future(lease.session.wait_async(text, self._log_event))
                changed = lease.on_change()
                try:
                    await asyncio.wait((waiting, changed), return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        waiting.result()
                        return
                    self.log.info("Connection %r has changed: going on with the new one", self.aws_conn_id)
                finally:
                    # Drops the wait in the core; a no-op once it is done.
                    waiting.cancel()
                    lease.forget(changed)

    def _log_event(self, text: str) -> None:
        log_event(self.log, text)

    def _key(self) -> _Key:
        config = json.dumps(self.botocore_config, sort_keys=True) if self.botocore_config else None
        return (self.aws_conn_id, self.region_name, self.verify, config, self.service)

    def _payload(self, error: MwaalibError | None) -> dict[str, Any]:
        payload: dict[str, Any] = {"status": "success", "wait": self.wait}
        if error is not None:
            data = json.loads(json.dumps(error.to_dict(), default=str))
            if len(json.dumps(data.get("detail"))) > _DETAIL_LIMIT:
                data["detail"] = None
            payload.update(status="error", error=data, message=str(error))
        return payload


class _Shared:
    """One connection, read for all waits that use it."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.users = 0
        self.session: Any = None
        self.settings: str | None = None
        self.read_at = 0.0
        self.watchers: set[asyncio.Future[None]] = set()
        self.reading: asyncio.Task[None] | None = None
        self.refreshing: asyncio.Task[None] | None = None

    async def fresh(self) -> None:
        """Read the connection unless that was done lately; one read serves all who ask."""
        if self.session is not None and time.monotonic() - self.read_at < REFRESH:
            return
        if self.reading is None:
            self.reading = asyncio.get_running_loop().create_task(self._read())
        task = self.reading
        try:
            # A wait that is cancelled must not take the read from the others.
            await asyncio.shield(task)
        finally:
            if task.done() and self.reading is task:
                self.reading = None

    async def _read(self) -> None:
        settings = await _off_loop(_resolve, self.key)
        self.read_at = time.monotonic()
        if settings == self.settings:
            return
        session = await _off_loop(_native.session, settings)
        self.settings, self.session = settings, session
        for watcher in self.watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def refresh(self) -> None:
        """Read the connection again and again while anyone uses it."""
        while True:
            await asyncio.sleep(REFRESH)
            metrics.publish()
            try:
                await self.fresh()
            except Exception as error:
                # The session in use may well go on working: say so, and look again later.
                log.warning("Connection %r could not be read again: %s", self.key[0], error)


class _Lease:
    """One wait's use of a shared connection."""

    def __init__(self, pool: _Sessions, key: _Key) -> None:
        self._pool = pool
        self._key = key

    async def __aenter__(self) -> _Lease:
        shared = self._shared = self._pool.shared.setdefault(self._key, _Shared(self._key))
        shared.users += 1
        try:
            await shared.fresh()
        except BaseException:
            self._leave()
            raise
        metrics.publish()
        if shared.refreshing is None:
            # In an empty context: its log lines belong to no single task.
            loop = asyncio.get_running_loop()
            shared.refreshing = contextvars.Context().run(loop.create_task, shared.refresh())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        shared = self._shared
        shared.users -= 1
        if shared.users == 0:
            if shared.refreshing is not None:
                shared.refreshing.cancel()
            if self._pool.shared.get(self._key) is shared:
                del self._pool.shared[self._key]

    @property
    def session(self) -> Any:
        return self._shared.session

    def on_change(self) -> asyncio.Future[None]:
        """Return a future that is done when the connection has changed."""
        watcher = asyncio.get_running_loop().create_future()
        self._shared.watchers.add(watcher)
        return watcher

    def forget(self, watcher: asyncio.Future[None]) -> None:
        self._shared.watchers.discard(watcher)
        watcher.cancel()


class _Sessions:
    """The shared connections of one event loop."""

    def __init__(self) -> None:
        self.shared: dict[_Key, _Shared] = {}

    def lease(self, key: _Key) -> _Lease:
        return _Lease(self, key)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sessions] = WeakKeyDictionary()


def _sessions() -> _Sessions:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = _Sessions()
    return pool


def _resolve(key: _Key) -> str:
    conn_id, region_name, verify, config, service = key
    return connection.resolve(
        conn_id,
        region_name=region_name,
        verify=verify,
        config=json.loads(config) if config else None,
        service=service,
    )


async def _off_loop(function: Callable[..., Any], *args: Any) -> Any:
    """Run what blocks in a thread from which Airflow's connections can be read."""
    try:
        # In Airflow 3.0 reading a connection hops back to this loop, which only asgiref's threads can.
        from asgiref.sync import sync_to_async
    except ImportError:
        return await asyncio.to_thread(function, *args)
    return await sync_to_async(function)(*args)
