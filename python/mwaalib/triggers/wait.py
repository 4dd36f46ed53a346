"""The one trigger: waits for any job of AWS, in the triggerer.

Waits of one connection share a native session, whose pollers answer many waits with one call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from mwaalib.connection import DEFAULT_CONN_ID
from mwaalib.exceptions import InternalError, MwaalibError
from mwaalib.job import log_event
from mwaalib.triggers._shared import Key, shared

# Bytes of a service's description that an error may carry through Airflow's database.
_DETAIL_LIMIT = 8192


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
        aws_conn_id: str | None = DEFAULT_CONN_ID,
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
        payload: dict[str, Any] = {"status": "success", "wait": self.wait}
        try:
            with shared(self._key()) as connection:
                await connection.wait(self.wait, self._log_event)
        except MwaalibError as known:
            payload |= _failure(known)
        except Exception as unknown:
            self.log.exception("The wait failed in a way it should not")
            payload |= _failure(InternalError(f"{type(unknown).__name__}: {unknown}"))
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Cancel the job after a user has killed the deferred task."""
        if not self.cancel_on_kill:
            return
        with shared(self._key()) as connection:
            session = await connection.ready()
            await asyncio.get_running_loop().run_in_executor(None, session.cancel, json.dumps(self.wait))

    def _log_event(self, text: str) -> None:
        # The class's logger: one of its own costs each wait ten objects more for the garbage collector.
        log_event(self.logger(), text)

    def _key(self) -> Key:
        config = json.dumps(self.botocore_config, sort_keys=True) if self.botocore_config else None
        return (self.aws_conn_id, self.region_name, self.verify, config, self.service)


def _failure(error: MwaalibError) -> dict[str, Any]:
    data = json.loads(json.dumps(error.to_dict(), default=str))
    if len(json.dumps(data.get("detail"))) > _DETAIL_LIMIT:
        data["detail"] = None
    return {"status": "error", "error": data, "message": str(error)}
