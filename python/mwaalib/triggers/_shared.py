"""Connections as the triggerer uses them: read off the event loop, once for all waits that use them.

A connection in use is read again from time to time, and at once when AWS refuses its credentials, so
that rotated credentials reach waits that run already. Whatever concerns many waits at once is told to
them in small helpings: ten thousand that go on in one step would stall the event loop for seconds.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from mwaalib import _native, connection, metrics
from mwaalib.exceptions import (
    ConnectionSettingsError,
    CredentialsError,
    InternalError,
    MwaalibError,
    WaitTimeoutError,
    from_dict,
)
from mwaalib.triggers import _heap

# Seconds after which a connection in use is read again.
REFRESH = 60.0
# Seconds for which a connection may be unreadable, as while Airflow's database restarts.
PATIENCE = 600.0
# Waits that go on in one step of the event loop.
HELPING = 32
# Error codes of AWS for credentials that are no longer good, or not yet.
REFUSED = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

_MOVED = object()


class _Unreadable(Exception):
    """Airflow could not be asked for a connection, which may pass; what is written there wrongly does not."""


log = logging.getLogger(__name__)

# Connection id, region, verify, client options as JSON, boto3's name of the service.
Key: TypeAlias = tuple[Any, ...]


class Shared:
    """One connection, read for all waits of an event loop that use it; entered by each of them."""

    def __init__(self, key: Key, pool: dict[Key, Shared]) -> None:
        self.key = key
        self.pool = pool
        self.users = 0
        self.session: Any = None
        self._settings: str | None = None
        self._read_at = 0.0
        self._waits: set[asyncio.Future[Any]] = set()
        self._readers: list[asyncio.Future[None]] = []
        self._reading: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def __enter__(self) -> Shared:
        self.users += 1
        _heap.enter()
        metrics.publish()
        if self._keeper is None:
            # In an empty context: its log lines belong to no single task.
            loop = asyncio.get_running_loop()
            self._keeper = contextvars.Context().run(loop.create_task, self._keep())
        return self

    def __exit__(self, *_: object) -> None:
        self.users -= 1
        _heap.leave()
        if self.users == 0:
            for task in (self._keeper, self._reading):
                if task is not None:
                    task.cancel()
            if self.pool.get(self.key) is self:
                del self.pool[self.key]

    async def ready(self) -> Any:
        """Return the session, once the connection has been read."""
        if self.session is None:
            await self._read()
        return self.session

    async def wait(self, wait: dict[str, Any], on_event: Callable[[str], None]) -> None:
        """Wait as told, on whatever session the connection has meanwhile.

        :param wait: JSON form of a `mwaalib.job.Wait`.
        :param on_event: Called with the JSON of what happens meanwhile.
        :raises MwaalibError: what the wait ended with.
        """
        if self.session is None:
            await self._read(wait)
        text = json.dumps(wait)
        while True:
            session = self.session
            waiting = session.wait_async(text, on_event)
            self._waits.add(waiting)
            try:
                if await waiting is not _MOVED:
                    return
            except MwaalibError as error:
                if not await self._renewed(session, error):
                    raise
            finally:
                self._waits.discard(waiting)
                # Drops the wait in the core; a no-op once it is done.
                waiting.cancel()
                # It may hold an error, whose traceback holds this frame: no cycle may stay (see `_heap`).
                del waiting

    async def _renewed(self, session: Any, error: MwaalibError) -> bool:
        """Return whether the connection has other credentials by now than those AWS refused."""
        if not isinstance(error, CredentialsError) and getattr(error, "code", None) not in REFUSED:
            return False
        # Those that are refused together ask once.
        if self.session is session and time.monotonic() - self._read_at > 1.0:
            try:
                await self._read()
            except MwaalibError as unread:
                log.warning("Connection %r could not be read again: %s", self.key[0], unread)
        return self.session is not session

    async def _read(self, wait: dict[str, Any] | None = None) -> None:
        """Read the connection; one read serves all who ask, and each wait gives up at its own deadline."""
        loop = asyncio.get_running_loop()
        reader = loop.create_future()
        self._readers.append(reader)
        if self._reading is None:
            self._reading = loop.create_task(self._read_for_all())
        timer = None
        if wait is not None and wait.get("deadline") is not None:
            timer = loop.call_later(max(wait["deadline"] - time.time(), 1.0), self._give_up, reader, wait)
        try:
            await reader
        finally:
            if timer is not None:
                timer.cancel()
            del reader  # as in `wait`

    def _give_up(self, reader: asyncio.Future[None], wait: dict[str, Any]) -> None:
        if not reader.done():
            detail = f"; connection {self.key[0]!r} could not be read so long"
            reader.set_exception(
                WaitTimeoutError(kind=wait["kind"], ids=wait["ids"], states=["never seen"], detail=detail)
            )

    async def _read_for_all(self) -> None:
        error: dict[str, Any] | None = None
        try:
            await self._read_patiently()
        except MwaalibError as failure:
            error = failure.to_dict()
        except _Unreadable as failure:
            error = InternalError(str(failure)).to_dict()
        readers, self._readers, self._reading = self._readers, [], None
        async for reader in _helpings(readers):
            if error is None:
                reader.set_result(None)
            else:
                # To each its own: an error that is raised ten thousand times would keep all their frames.
                reader.set_exception(from_dict(error))

    async def _read_patiently(self) -> None:
        until, pause = time.monotonic() + PATIENCE, 1.0
        while True:
            try:
                settings = await _off_loop(_resolve, self.key)
                break
            except _Unreadable as error:
                if self.session is not None or time.monotonic() + pause > until:
                    raise ConnectionSettingsError(
                        f"connection {self.key[0]!r} cannot be read: {error}"
                    ) from None
                log.warning("Connection %r cannot be read, next try in %.0f s: %s", self.key[0], pause, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 30.0)
        self._read_at = time.monotonic()
        if settings == self._settings:
            return
        session = await _off_loop(_native.session, settings)
        self._settings, self.session = settings, session
        if self._waits:
            log.info(
                "Connection %r has changed: %d waits go on with the new one", self.key[0], len(self._waits)
            )
            async for waiting in _helpings(self._waits):
                waiting.set_result(_MOVED)

    async def _keep(self) -> None:
        """Read the connection again and again while anyone uses it."""
        while True:
            await asyncio.sleep(REFRESH)
            metrics.publish()
            try:
                await self._read()
            except MwaalibError as error:
                # The session in use may well go on working: say so, and look again later.
                log.warning("Connection %r could not be read again: %s", self.key[0], error)


async def _helpings(futures: Iterable[asyncio.Future[Any]]) -> Any:
    """Yield the futures that still wait, and give way to the loop after every few."""
    given = 0
    for future in list(futures):
        if future.done():
            continue
        yield future
        given += 1
        if given % HELPING == 0:
            await asyncio.sleep(0)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, Shared]] = WeakKeyDictionary()


def pool() -> dict[Key, Shared]:
    """Return the connections in use on the running loop."""
    return _pools.setdefault(asyncio.get_running_loop(), {})


def shared(key: Key) -> Shared:
    """Return the connection, shared by all waits of the running loop, to be entered.

    :param key: See `Key`.
    """
    connections = pool()
    found = connections.get(key)
    if found is None:
        found = connections[key] = Shared(key, connections)
    return found


def _resolve(key: Key) -> str:
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
        value, error = await asyncio.to_thread(_outcome, function, *args)
    else:
        value, error = await sync_to_async(_outcome)(function, *args)
    try:
        if error is not None:
            raise error
        return value
    finally:
        del error  # as in `wait`


def _outcome(function: Callable[..., Any], *args: Any) -> tuple[Any, Exception | None]:
    # The error is made anew: the frames of another thread keep an error that passed through them, and it them.
    try:
        return function(*args), None
    except MwaalibError as error:
        return None, from_dict(error.to_dict())
    except Exception as error:
        return None, _Unreadable(f"{type(error).__name__}: {error}")
