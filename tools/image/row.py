"""One row of the matrix: install the package as the image does, then use it in that Airflow."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import constraints, environment
from .catalogue import Image
from .emulator import Moto
from .own import PLUGINS
from .services import Airflow

TESTS = Path(__file__).resolve().parents[2] / "tests" / "matrix"
INCUMBENT = "airflow.providers.amazon.aws."
GLUE_WAIT = "        waiter_delay=1,\n        waiter_max_attempts=240,\n"
BLOCKING = ("cluster_blocking", "glue_blocking")
DEFERRED = ("glue_deferred", "execution_deferred")
LINKS = {
    "cluster_blocking": "/emr/home",
    "glue_blocking": "/gluestudio/home",
    "glue_deferred": "/gluestudio/home",
    "execution_deferred": "/states/home",
}


class CheckFailed(Exception):
    """A check of the row did not hold; the message says what was seen."""


@dataclass
class Row:
    """What came out of one image.

    :param image: the image.
    :param seconds: time of each step, in the order they ran.
    :param failures: message of each step that failed.
    """

    image: Image
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every step ran and none failed."""
        return bool(self.seconds) and not self.failures


@dataclass
class Package:
    """What a user of MWAA uploads.

    :param folder: has requirements.txt and plugins.zip, and the same under ``offline`` for an environment
        without internet access.
    :param dags: DAG files that must parse beside the matrix's own.
    :param incumbent: run the incumbent's operators in place of mwaalib's, to tell whose a fault is.
    """

    folder: Path
    dags: list[Path]
    incumbent: bool = False


class Run:
    """The steps of one row, in order."""

    def __init__(self, image: Image, package: Package, work: Path, rebuild: bool) -> None:
        self.image, self.package, self.rebuild = image, package, rebuild
        self.row = Row(image)
        self.home = work / image.airflow
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.held = contextlib.ExitStack()
        self.env: environment.Environment
        self.airflow: Airflow
        self.moto: Moto | None = None
        self.requirements: Path
        self.parsed: dict[str, Any] = {}

    def step(self, name: str, action: Callable[[], None]) -> bool:
        """Run one step, keep its time and its failure; return whether it held."""
        began = time.monotonic()
        try:
            action()
        except (
            CheckFailed,
            RuntimeError,
            OSError,
            LookupError,
            ValueError,
            subprocess.SubprocessError,
            constraints.ConstraintsError,
        ) as error:
            self.row.failures[name] = (
                f"{error}" if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
            )
        self.row.seconds[name] = time.monotonic() - began
        return name not in self.row.failures

    def run(self) -> Row:
        """Run all steps; a step is left out where one that it needs has failed."""
        try:
            if not self.step("environment", self.make_environment):
                return self.row
            if not self.package.incumbent and not self.step("install", self.install):
                return self.row
            self.step("pip check", self.pip_check)
            if not self.package.incumbent:
                self.step("provider", self.provider)
            if not self.step("database", self.database) or not self.step("parse", self.parse):
                return self.row
            if not self.step("start", self.start):
                return self.row
            self.step("tasks", self.tasks)
            self.step("links", self.links)
        finally:
            if hasattr(self, "airflow"):
                self.airflow.stop()
            if self.moto:
                self.moto.stop()
            self.held.close()
        return self.row

    def make_environment(self) -> None:
        """The image's environment, from the cache or built, with nothing of ours in it."""
        self.env = self.held.enter_context(environment.use(self.image, self.rebuild))
        self.pip("uninstall", "--yes", "--quiet", "mwaalib")

    def pip(self, *arguments: str) -> str:
        """Run the environment's own pip and return what it printed."""
        done = subprocess.run(
            [self.env.program("python"), "-m", "pip", *arguments], capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        if done.returncode:
            raise CheckFailed(f"pip {' '.join(arguments)} ended with {done.returncode}: {output[-1500:]}")
        return output

    def installed(self) -> set[str]:
        """Return the installed packages as ``name==version`` lines."""
        python = self.env.program("python")
        done = subprocess.run(
            ["uv", "pip", "freeze", "--python", python], capture_output=True, text=True, check=True
        )
        return set(done.stdout.splitlines())

    def install(self) -> None:
        """plugins.zip unpacked, then pip with requirements.txt; without internet first, then as usual."""
        before = self.installed()
        for variant in ("offline", ""):
            source = self.package.folder / variant
            plugins = self.home / "plugins"
            shutil.rmtree(plugins, ignore_errors=True)
            with zipfile.ZipFile(source / "plugins.zip") as archive:
                archive.extractall(plugins)
            text = (source / "requirements.txt").read_text().replace(PLUGINS, str(plugins))
            text = text.replace(constraints.official_address(self.image), str(self.env.constraints))
            self.requirements = self.home / f"requirements{variant}.txt"
            self.requirements.write_text(text)
            self.pip("uninstall", "--yes", "--quiet", "mwaalib")
            self.pip("install", "--constraint", str(self.env.essential), "-r", str(self.requirements))
            after = self.installed()
            names = {re.split("==| @", line)[0] for line in after ^ before}
            if names != {"mwaalib"}:
                raise CheckFailed(
                    f"{variant or 'usual'} requirements.txt changed {sorted(names)}, not mwaalib alone"
                )

    def pip_check(self) -> None:
        """No broken requirements."""
        if "No broken requirements found" not in (output := self.pip("check")):
            raise CheckFailed(output)

    def provider(self) -> None:
        """The provider is listed, and Airflow warns of nothing that it does not warn of without us."""
        self.airflow = self.make_airflow("http://127.0.0.1:1")
        done = self.airflow.call("airflow", "providers", "list", "--output", "json")
        if done.returncode:
            raise CheckFailed(f"airflow providers list ended with {done.returncode}: {done.stderr[-1500:]}")
        found = re.search(r"^\[\s*\{", done.stdout, re.M)
        listed = json.JSONDecoder().raw_decode(done.stdout, found.start())[0] if found else []
        if not any(entry["package_name"] == "mwaalib" for entry in listed):
            raise CheckFailed(f"mwaalib is not among the {len(listed)} providers that Airflow lists")
        found_now = warnings(done)
        if found_now and (new := found_now - self.warnings_without_us()):
            raise CheckFailed("airflow providers list warns: " + " | ".join(sorted(new)[:5]))

    def warnings_without_us(self) -> set[str]:
        """What this Airflow warns of by itself; looked up once per environment, only if there are warnings."""
        kept = self.env.path / "warnings.json"
        if not kept.exists():
            self.pip("uninstall", "--yes", "--quiet", "mwaalib")
            found = warnings(self.airflow.call("airflow", "providers", "list", "--output", "json"))
            kept.write_text(json.dumps(sorted(found)))
            self.pip("install", "--constraint", str(self.env.essential), "-r", str(self.requirements))
        return set(json.loads(kept.read_text()))

    def make_airflow(self, endpoint: str) -> Airflow:
        """Return the row's Airflow, not started."""
        settings = {"MATRIX_ROW": self.image.airflow, "MATRIX_ENDPOINT": endpoint}
        return Airflow(self.env.path / "bin", self.home, self.image.major, settings)

    def database(self) -> None:
        """The metadata database, migrated once per environment."""
        self.airflow = self.make_airflow("")
        template = self.env.path / "airflow.db"
        if not template.exists():
            done = self.airflow.call("airflow", "db", "migrate", timeout=300)
            if done.returncode:
                raise CheckFailed(f"airflow db migrate ended with {done.returncode}: {done.stderr[-1500:]}")
            shutil.copy(self.airflow.database, template)
        else:
            shutil.copy(template, self.airflow.database)

    def parse(self) -> None:
        """Every DAG file parses without an import error; the connection is stored."""
        self.moto = Moto(self.home / "moto.log")
        self.moto.seed()
        for source in [TESTS / "dags" / "matrix_dag.py", *self.package.dags]:
            text = source.read_text()
            if self.package.incumbent:
                text = text.replace("mwaalib.", INCUMBENT)
                # Older ones have no such parameters of GlueJobOperator.
                text = text.replace(GLUE_WAIT, "        job_poll_interval=1,\n", 1)
            (self.home / "dags" / source.name).write_text(text)
        done = self.airflow.call(
            "python", str(TESTS / "inside" / "prepare.py"), str(self.home / "dags"), self.moto.endpoint
        )
        if done.returncode:
            raise CheckFailed(f"parsing ended with {done.returncode}: {done.stderr[-1500:]}")
        self.parsed = json.loads(done.stdout.splitlines()[-1])
        if self.parsed["import_errors"]:
            raise CheckFailed(f"import errors: {json.dumps(self.parsed['import_errors'])[-1500:]}")
        if len(self.parsed["dags"]) != 1 + len(self.package.dags):
            raise CheckFailed(f"DAGs found: {self.parsed['dags']}")

    def start(self) -> None:
        """Airflow's processes run."""
        self.airflow.start_all()

    def tasks(self) -> None:
        """The DAG's run succeeds, the deferred tasks through the triggerer."""
        end = time.monotonic() + 150
        deferred: set[str] = set()
        states: dict[str, str] = {}
        while time.monotonic() < end:
            rows = self.airflow.query(
                "SELECT task_id, state, trigger_id FROM task_instance WHERE dag_id = 'matrix'"
            )
            states = {task: state for task, state, _ in rows}
            deferred |= {task for task, state, trigger in rows if state == "deferred" and trigger is not None}
            if rows and all(state in ("success", "failed", "upstream_failed") for state in states.values()):
                break
            if gone := self.airflow.dead():
                raise CheckFailed(f"Airflow's {gone} ended by itself: {self.airflow.log(gone)}")
            time.sleep(0.3)
        wrong = {task: states.get(task) for task in (*BLOCKING, *DEFERRED) if states.get(task) != "success"}
        if wrong:
            raise CheckFailed(f"states {wrong}: {self.task_logs(list(wrong))}")
        if deferred != set(DEFERRED):
            raise CheckFailed(f"seen deferred: {sorted(deferred)}, expected: {sorted(DEFERRED)}")

    def task_logs(self, tasks: list[str]) -> str:
        """Return the end of the logs of these tasks."""
        logs = [
            log for task in tasks for log in sorted((self.home / "logs").rglob(f"*task_id={task}*/*.log"))
        ]
        found = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs)
        return found or self.airflow.log("scheduler")

    def links(self) -> None:
        """Every task's console link resolves to an address of the AWS console."""
        if self.image.major >= 3:
            found = self.links_by_api()
        else:
            done = self.airflow.call("python", str(TESTS / "inside" / "links.py"), "matrix")
            if done.returncode:
                raise CheckFailed(f"reading the links ended with {done.returncode}: {done.stderr[-1500:]}")
            found = json.loads(done.stdout.splitlines()[-1])
        for task, part in LINKS.items():
            addresses = [a for a in found.get(task, {}).values() if a]
            if not any(a.startswith("https://console.aws.amazon.com/") and part in a for a in addresses):
                raise CheckFailed(f"no console link with {part} on {task}: {found.get(task)}")

    def links_by_api(self) -> dict[str, dict[str, str]]:
        """Return the links as Airflow 3's web page gets them."""
        base = f"http://127.0.0.1:{self.airflow.port}"
        with urllib.request.urlopen(urllib.request.Request(f"{base}/auth/token"), timeout=30) as reply:
            token = json.load(reply)["access_token"]

        def get(path: str) -> Any:
            request = urllib.request.Request(
                f"{base}/api/v2{path}", headers={"Authorization": f"Bearer {token}"}
            )
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)

        run = get("/dags/matrix/dagRuns")["dag_runs"][0]["dag_run_id"]
        quoted = urllib.parse.quote(run, safe="")
        return {
            task: get(f"/dags/matrix/dagRuns/{quoted}/taskInstances/{task}/links")["extra_links"]
            for task in LINKS
        }


def warnings(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the warnings and errors that a command printed, without their times."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if re.search("warn|error", line, re.I)]
    time_of_day = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(Z|[+-]\d\d:?\d\d)?")
    return {time_of_day.sub("", line).strip() for line in lines if not line.startswith(("[{", "{", '"', " "))}


def run_row(image: Image, package: Package, work: Path, rebuild: bool = False) -> Row:
    """Run one row of the matrix.

    :param image: the image to stand for.
    :param package: what is installed and run.
    :param work: directory for the row's files; a folder per Airflow version is made in it.
    :param rebuild: build the environment anew.
    """
    return Run(image, package, work, rebuild).run()
