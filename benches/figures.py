"""What is measured. Every figure is a dict of numbers by side; `None` where a side cannot do it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benches.endpoint import ACCOUNT, REGION, Endpoint
from benches.jobs import KINDS, make
from benches.process import Triggerer, script

SIDES = ("mwaalib", "incumbent")
Figure = dict[str, dict[str, float] | None]


def starting(
    count: dict[str, int], role: bool = False, kind: str = "sfn", cold: bool = False, rounds: int = 0
) -> Figure:
    """Start waits: longest stall of the loop, CPU and memory per wait. Each side with its own count.

    `cold` measures the first wait of the process too, which reads the connection and loads modules, as
    after a restart of the triggerer. `rounds` polls are counted after the start.
    """
    figure: Figure = {}
    for side in SIDES:
        with Endpoint() as endpoint:
            jobs = make(endpoint, kind, count[side])
            delay = 15 if rounds else 60
            with Triggerer(side, endpoint, jobs, delay=delay, role=role, cold=cold) as triggerer:
                figure[side] = {"waits": count[side], **triggerer.started, "role_calls": assumed(endpoint)}
                if rounds:
                    endpoint.reset()
                    triggerer.measure(rounds * delay)
                    figure[side]["calls"] = sum(endpoint.calls().values()) / rounds
    return figure


def assumed(endpoint: Endpoint) -> int:
    """Return how often a role was assumed."""
    return endpoint.calls().get("AssumeRole", 0)


def steady(count: dict[str, int], seconds: float) -> Figure:
    """CPU of nothing but waiting: SFN waits on ten machines, each polled every 60 s."""
    figure: Figure = {}
    for side in SIDES:
        with Endpoint() as endpoint:
            jobs = make(endpoint, "sfn", count[side], parents=10)
            with Triggerer(side, endpoint, jobs, delay=60) as triggerer:
                endpoint.reset()
                figure[side] = {
                    "waits": count[side],
                    **triggerer.measure(seconds),
                    "calls": sum(endpoint.calls().values()),
                }
    return figure


def calls_per_round(kind: str, count: dict[str, int], delay: int = 60) -> Figure:
    """API calls of one poll round for waits on one parent, counted over two rounds of both sides at once."""

    def rounds(side: str) -> dict[str, float]:
        with Endpoint() as endpoint:
            jobs = make(endpoint, kind, count[side])
            with Triggerer(side, endpoint, jobs, delay=delay) as triggerer:
                endpoint.reset()
                triggerer.measure(2 * delay)
                counts = {name: calls / 2 for name, calls in endpoint.calls().items()}
                return {"waits": count[side], "calls": sum(counts.values()), **counts}

    with ThreadPoolExecutor() as pool:
        return dict(zip(SIDES, pool.map(rounds, SIDES), strict=True))


def latency(count: int, delay: int, kind: str = "sfn") -> Figure:
    """Seconds from a job's change of state to the trigger's event; changes spread over three rounds."""
    figure: Figure = {}
    for side in SIDES:
        with Endpoint() as endpoint:
            jobs = make(endpoint, kind, count)
            with Triggerer(side, endpoint, jobs, delay=delay) as triggerer:
                triggerer.expect()
                changed: dict[str, float] = {}
                for parent in {job.parent for job in jobs}:
                    changed |= endpoint.change(kind, parent, KINDS[kind].success, seconds=3 * delay)
                events = triggerer.events(6 * delay + 30)
        lags = [events[name][0] - at for name, at in changed.items() if name in events]
        failed = [payload for _, payload in events.values() if "success" not in payload]
        if failed:
            raise SystemExit(f"{side}: {len(failed)} waits did not end well: {failed[0]}")
        figure[side] = {
            "waits": count,
            "fired": len(lags),
            "mean_s": statistics.fmean(lags),
            "p95_s": statistics.quantiles(lags, n=20)[-1],
        }
    return figure


_PACKAGES = {"mwaalib": "mwaalib", "incumbent": "airflow.providers.amazon.aws"}
_PARTS = [
    f"{part}.{name}"
    for part in ("operators", "sensors")
    for name in ("emr", "glue", "glue_crawler", "step_function")
]
# What every operator, sensor and hook of any provider has Airflow load.
_AIRFLOW = """
import airflow
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator
from airflow.sdk.configuration import conf
from airflow.sdk.definitions._internal.mixins import ResolveMixin
import airflow.sdk.exceptions
"""
_IMPORT = """
import gc, importlib, json, time
{airflow}
gc.collect()  # Airflow's own garbage is not charged to whoever is imported next
began = time.perf_counter()
for name in {names!r}: importlib.import_module(name)
print(json.dumps({{"ms": (time.perf_counter() - began) * 1e3}}))
"""
_FIRST_CALL = """
import gc, json, resource, time
from pathlib import Path
rss = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
{airflow}
from {module} import StepFunctionStartExecutionOperator
from {hooks} import StepFunctionHook
# Airflow's own part of it, the same for both.
BaseHook.get_connection("aws_default")
gc.collect()
memory, began = rss(), time.perf_counter()
StepFunctionHook(aws_conn_id="aws_default", region_name={region!r}){call}
print(json.dumps({{"ms": (time.perf_counter() - began) * 1e3, "mb": (rss() - memory) / 2**20}}))
"""


def yardstick() -> float:
    """Milliseconds in which this machine, at this moment, counts to a million in Python."""

    def count() -> float:
        began = time.perf_counter()
        for _ in range(1_000_000):
            pass
        return (time.perf_counter() - began) * 1e3

    return min(count() for _ in range(5))


def imports(runs: int = 7) -> Figure:
    """Milliseconds to import all operators and sensors when Airflow itself is imported already."""
    figure: Figure = {}
    for side in SIDES:
        names = [f"{_PACKAGES[side]}.{part}" for part in _PARTS]
        figure[side] = median(lambda names=names: script(_IMPORT.format(airflow=_AIRFLOW, names=names)), runs)  # type: ignore[misc]
    return figure


def first_call(runs: int = 7) -> Figure:
    """Milliseconds and megabytes of the first client and its first call in a task process."""
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:m0:e0"
    figure: Figure = {}
    with Endpoint() as endpoint:
        make(endpoint, "sfn", 1)
        for side in SIDES:
            prefix = _PACKAGES[side]
            code = _FIRST_CALL.format(
                airflow=_AIRFLOW,
                module=f"{prefix}.operators.step_function",
                hooks=f"{prefix}.hooks.step_function",
                region=REGION,
                call=f".describe_execution({arn!r})",
            )
            figure[side] = median(lambda code=code: script(code, endpoint), runs)  # type: ignore[misc]
    return figure


def median(measure: Callable[[], dict[str, float]], runs: int) -> dict[str, float]:
    """Return the median of each number over `runs`, after one run that warms the caches."""
    measure()
    taken: list[dict[str, Any]] = [measure() for _ in range(runs)]
    return {name: statistics.median(run[name] for run in taken) for name in taken[0]}
