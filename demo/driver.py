"""The demo from beginning to end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from demo import evidence, report
from demo.airflow import DemoAirflow
from demo.build import airflow_version, build
from demo.cloud import Cloud
from demo.console import Console, DemoError, table
from demo.dataset import Dataset, choose, shown
from demo.layout import DATA_BUCKET, DATABASE, MWAA_BUCKET, Layout
from demo.processes import end_leftovers
from demo.results import TABLES
from demo.watch import Outcome, follow


def main() -> int:
    """Run the demo; returns its exit status."""
    layout = Layout.from_environment()
    console = Console()
    try:
        with only_one(layout):
            return Demo(layout, console).run()
    except DemoError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Keep a second demo out of the same directory, and end what a killed one left running there.

    :raises DemoError: if another demo is at work.
    """
    lock = (layout.folder(".") / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise DemoError(f"another demo (process {lock.read().strip()}) is running in {layout.home}") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    name, _, value = layout.marker.partition("=")
    os.environ[name] = value
    if left := end_leftovers(layout.marker):
        print(f"Ended {len(left)} processes of an earlier demo that was killed.")
    with lock:
        yield


def dag_conf() -> dict[str, Any]:
    """Return the DAG params that the user sets in ``CONF``, as JSON.

    :raises DemoError: if it is no JSON object.
    """
    try:
        conf = json.loads(os.environ.get("CONF") or "{}")
    except ValueError as error:
        raise DemoError(f"CONF is no JSON: {error}") from error
    if not isinstance(conf, dict):
        raise DemoError("CONF must be a JSON object of DAG params")
    return conf


def bring_up(layout: Layout, console: Console) -> tuple[Cloud, DemoAirflow]:
    """Start the stand-in, deploy to it, and start Airflow with the DAG that was deployed.

    :param layout: where all of it lies; the environments are there.
    :param console: for progress.
    :raises DemoError: if one of these fails.
    """
    cloud = Cloud(layout, console)
    with console.phase("AWS stand-in"):
        cloud.start()
        console.say(f"  {cloud.endpoint}")
    airflow = DemoAirflow(layout, cloud.endpoint)
    starting = InBackground(lambda: airflow.migrate())
    with console.phase(f"setup/deploy.sh -s {MWAA_BUCKET} -d {DATA_BUCKET}"):
        cloud.deploy()
    with console.phase("Airflow"):
        starting.finish()
        cloud.download(f"s3://{MWAA_BUCKET}/dags/", airflow.home / "dags")
        airflow.start_all()
        airflow.wait_for_dag()
        console.say(f"  {airflow.address} while it runs; its DAG is what deploy.sh uploaded")
    return cloud, airflow


def checking(cloud: Cloud, airflow: DemoAirflow) -> Callable[[], None]:
    """Return a check that raises when a process that a run needs has ended."""

    def check() -> None:
        cloud.check()
        airflow.check()

    return check


class Demo:
    """One run of the demo.

    :param layout: where it keeps its files.
    :param console: for progress.
    """

    def __init__(self, layout: Layout, console: Console) -> None:
        self.layout, self.console = layout, console
        self.conf = dag_conf()

    def run(self) -> int:
        """Build, deploy, run the DAG and report; returns the exit status."""
        # What an earlier run left must not pass for this one's result.
        for old in ("raw", "curated"):
            shutil.rmtree(self.layout.home / old, ignore_errors=True)
        for old in ("report.html", "catalog.json"):
            (self.layout.home / old).unlink(missing_ok=True)
        with self.console.phase("data set"):
            dataset = choose(os.environ.get("DATASET", ""), self.layout.folder("data"))
            self.console.say(f"  {dataset.origin}")
            for note in dataset.notes:
                self.console.say(f"  {note}")
        wheel = build(self.layout, self.console)

        cloud, airflow = bring_up(self.layout, self.console)
        address = cloud.upload_dataset(dataset.path)
        params = {"dataset": address, **self.conf}
        with self.console.phase("DAG run"):
            self.console.say(f"  params {json.dumps({**params, 'dataset': shown(str(params['dataset']))})}")
            outcome = follow(airflow, airflow.trigger(params), self.console, checking(cloud, airflow))
        return self.finish(cloud, airflow, dataset, params, outcome, wheel.name)

    def finish(
        self,
        cloud: Cloud,
        airflow: DemoAirflow,
        dataset: Dataset,
        params: dict[str, Any],
        outcome: Outcome,
        wheel: str,
    ) -> int:
        """Fetch the results, write the report and tell about both; returns the exit status."""
        good = outcome.state == "success"
        waits = [
            w for t in outcome.tasks for w in evidence.deferrals(airflow.task_folder(outcome.run_id, t), t)
        ]
        failures = {
            task: evidence.failure(airflow.task_folder(outcome.run_id, task)) or "it logged no error"
            for task in outcome.failed_tasks
        }
        results, catalog = None, []
        with self.console.phase("results"):
            if good:
                for name in ("raw", *(f"curated/{table_name}" for table_name in TABLES)):
                    cloud.download(f"s3://{DATA_BUCKET}/{name}/", self.layout.home / name)
                results = self.read_results()
                listed = cloud.aws("glue", "get-tables", "--database-name", DATABASE, "--output", "json")
                (self.layout.home / "catalog.json").write_text(listed)
                catalog = json.loads(listed)["TableList"]
        versions = {"Airflow": airflow_version(), "mwaalib": wheel, "Python": sys.version.split()[0]}
        facts = report.Facts(
            outcome,
            dataset,
            {**params, "dataset": shown(str(params["dataset"]))},
            waits,
            failures,
            results,
            catalog,
            list(self.console.phases),
            versions,
        )
        path = self.layout.home / "report.html"
        path.write_text(report.render(facts), encoding="utf-8")
        self.show_waits(waits)
        if results is not None:
            for name, (value, *_) in TABLES.items():
                print(f"\nThe ten {name.replace('_', ' ')}:")
                print(table(results[name]["rows"], ["movieId", value, "title", "genres"]))
        print(f"\nTimes:\n{self.console.times()}")
        for task, error in failures.items():
            print(f"\nTask {task} failed:\n  {error}", file=sys.stderr)
        print(f"\nReport   {path}\nTables   {self.layout.home}/curated\nLogs     {self.layout.home}/logs")
        if not good:
            raise DemoError(f"the DAG run ended as {outcome.state}")
        if not waits or not all(wait.resumed for wait in waits):
            raise DemoError("the tasks' logs do not show that they were deferred and resumed")
        return 0

    def show_waits(self, waits: list[evidence.Deferral]) -> None:
        """Print which tasks the triggerer waited for, by Airflow's logs."""
        print("\nDeferred and resumed, by Airflow's own logs:")
        for wait in waits:
            took = f"{(wait.fired - wait.started).total_seconds():5.1f} s" if wait.fired else "did not fire"
            print(
                f"  {wait.task:<28} {took}  {'resumed' if wait.resumed else 'NOT RESUMED'}  {wait.log.name}"
            )

    def read_results(self) -> dict[str, Any]:
        """Read the curated tables with the stand-in's interpreter, which has DuckDB.

        :raises DemoError: if they cannot be read.
        """
        done = subprocess.run(
            [
                str(self.layout.standin_python),
                str(report.__file__).replace("report.py", "results.py"),
                str(self.layout.home),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"the curated tables cannot be read: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


class InBackground:
    """A call in a thread, whose exception comes out at the end.

    :param call: what to do.
    """

    def __init__(self, call: Any) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Any) -> None:
        try:
            call()
        except BaseException as error:
            self._error = error

    def finish(self) -> None:
        """Wait for the call and raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
