"""The one trigger, as the triggerer runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from mwaalib.exceptions import ConnectionNotFoundError, WaitTimeoutError
from mwaalib.job import Wait, read_event
from mwaalib.triggers import _shared as module
from mwaalib.triggers.wait import WaitTrigger
from support.task import fire
from support.work import SLOW, machine


def executions(aws: Any, number: int = 1) -> list[str]:
    client, arn = aws.client("stepfunctions"), machine(aws, SLOW)
    return [client.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(number)]


def trigger(arn: str, seconds: float = 60, **kwargs: Any) -> WaitTrigger:
    wait = Wait(kind="sfn_execution", ids=[arn], delay=0.5).within(seconds)
    return WaitTrigger(wait=wait.to_dict(), service="stepfunctions", **kwargs)


def end(aws: Any, arn: str) -> None:
    aws.drive("sfn_execution", arn, "SUCCEEDED", output={})


def test_it_survives_the_database() -> None:
    path, kwargs = trigger("arn", aws_conn_id="team", verify=False, botocore_config={"a": 1}).serialize()
    assert path == "mwaalib.triggers.wait.WaitTrigger"
    again = WaitTrigger(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)


def test_what_a_newer_version_wrote_is_taken() -> None:
    WaitTrigger(**trigger("arn").serialize()[1], priority=3)
    assert read_event({"status": "success", "wait": {"kind": "k", "ids": [], "color": "red"}})[0].kind == "k"


async def test_event(aws: Any) -> None:
    arn = executions(aws)[0]
    end(aws, arn)
    wait, error = read_event(await fire(trigger(arn)))
    assert (wait.ids, error) == ([arn], None)


async def test_deadline_becomes_an_event(aws: Any) -> None:
    arn = executions(aws)[0]
    _, error = read_event(await fire(trigger(arn, seconds=1.5)))
    assert isinstance(error, WaitTimeoutError)
    assert error.ids == [arn]


async def test_missing_connection_becomes_an_event(aws: Any) -> None:
    _, error = read_event(await fire(trigger("arn", aws_conn_id="no_such")))
    assert isinstance(error, ConnectionNotFoundError)
    assert "no_such" in str(error)


async def test_changes_of_state_are_logged(aws: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arn = executions(aws)[0]
    task = asyncio.create_task(fire(trigger(arn)))
    await asyncio.sleep(2)
    end(aws, arn)
    await task
    lines = [line.split(f"{arn}: ")[1] for line in capsys.readouterr().out.splitlines() if f"{arn}: " in line]
    assert [line.split()[0] for line in lines] == ["RUNNING", "SUCCEEDED"]


async def test_cancelled_trigger_drops_its_wait(aws: Any) -> None:
    arn = executions(aws)[0]
    task = asyncio.create_task(fire(trigger(arn)))
    await asyncio.sleep(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(1)
    aws.calls(reset=True)
    await asyncio.sleep(2)
    assert aws.calls() == {}
    assert module.pool() == {}


async def test_many_waits_read_their_connection_once(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Any] = []
    resolve = module._resolve
    monkeypatch.setattr(module, "_resolve", lambda key: reads.append(key) or resolve(key))
    arns = executions(aws, 8)
    tasks = [asyncio.create_task(fire(trigger(arn))) for arn in arns]
    await asyncio.sleep(2)
    for arn in arns:
        end(aws, arn)
    assert all(event["status"] == "success" for event in await asyncio.gather(*tasks))
    assert len(reads) == 1


async def test_rotated_connection_reaches_a_wait_that_runs(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def connection(endpoint: str) -> str:
        extra = {"endpoint_url": endpoint, "region_name": "us-east-1"}
        return json.dumps({"conn_type": "aws", "login": "a", "password": "bbbbbbbb", "extra": extra})

    monkeypatch.setattr(module, "REFRESH", 0.5)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", connection("http://127.0.0.1:9"))
    arn = executions(aws)[0]
    end(aws, arn)
    task = asyncio.create_task(fire(trigger(arn, aws_conn_id="team")))
    await asyncio.sleep(1.5)
    assert not task.done()
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", connection(aws.endpoint))
    assert (await asyncio.wait_for(task, 15))["status"] == "success"


async def test_loop_is_never_blocked(aws: Any, stall: Callable[[], float]) -> None:
    arns = executions(aws, 5)
    stall()
    tasks = [asyncio.create_task(fire(trigger(arn))) for arn in arns]
    await asyncio.sleep(2)
    for arn in arns:
        await asyncio.to_thread(end, aws, arn)
    await asyncio.gather(*tasks)
    assert stall() < 0.2


async def test_kill_cancels_only_where_promised(aws: Any) -> None:
    kept, stopped = executions(aws, 2)
    await trigger(kept).on_kill()
    await trigger(stopped, cancel_on_kill=True).on_kill()
    client = aws.client("stepfunctions")
    states = [client.describe_execution(executionArn=arn)["status"] for arn in (kept, stopped)]
    assert states == ["RUNNING", "ABORTED"]
