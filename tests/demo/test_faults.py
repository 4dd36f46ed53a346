"""The whole pipeline with something wrong in it: deployed stack, real Airflow, real Spark, and then a good run.

Uses the environments of a finished `make demo`, in a folder and with processes of its own.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mwaalib.testing.process import StandIn

from demo import evidence
from demo.airflow import DemoAirflow
from demo.cloud import Cloud
from demo.console import Console, DemoError
from demo.driver import bring_up, checking
from demo.layout import DATA_BUCKET, Layout
from demo.processes import end_leftovers
from demo.watch import follow

pytestmark = [pytest.mark.demo, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
HOME = Path(os.environ.get("DEMO_DIR") or ROOT / ".demo").resolve()
GLUE_SCRIPT = "scripts/movielens_glue_transform.py"
# IAM's names of calls, where they are not the calls' own.
SERVICES = {"emr": "elasticmapreduce", "stepfunctions": "states"}
ACTIONS = {
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "elasticmapreduce:RunJobFlow": [
        *("elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"),
        *("elasticmapreduce:PutAutoTerminationPolicy", "iam:PassRole"),
    ],
}
FILES = {
    "movies": "movieId,title,genres\n1,Toy Story (1995),Animation\n2,Heat (1995),Action\n",
    "ratings": "userId,movieId,rating,timestamp\n1,1,4.0,1260759144\n2,1,5.0,1260759145\n1,2,3.0,1260759146\n",
    "tags": "userId,movieId,tag,timestamp\n1,1,fun,1260759144\n",
}


def packed(**changed: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in {**FILES, **changed}.items():
            archive.writestr(f"ml/{name}.csv", text)
    return content.getvalue()


class Run:
    """How one run of the DAG ended.

    :param state: its state.
    :param tasks: the state of each task.
    :param errors: what each failed task said.
    """

    def __init__(self, state: str, tasks: dict[str, str], errors: dict[str, str]) -> None:
        self.state, self.tasks, self.errors = state, tasks, errors


class Pipeline:
    """The deployed pipeline, run again and again."""

    def __init__(self, cloud: Cloud, airflow: DemoAirflow, console: Console, scratch: Path) -> None:
        self.cloud, self.airflow, self.console, self.scratch = cloud, airflow, console, scratch
        self.standin = StandIn(cloud.endpoint)
        self.calls: set[str] = set()

    def put(self, key: str, content: bytes) -> str:
        """Put an object into the data bucket and return its address."""
        file = self.scratch / "object"
        file.write_bytes(content)
        address = f"s3://{DATA_BUCKET}/{key}"
        self.cloud.aws("s3", "cp", "--only-show-errors", str(file), address)
        return address

    def run(self, dataset: str, **conf: Any) -> Run:
        """Run the DAG to its end; whatever became of it, its cluster is gone."""
        began = self.clusters()
        self.standin.calls(reset=True)
        run_id = self.airflow.trigger({"dataset": dataset, **conf})
        done = follow(self.airflow, run_id, self.console, checking(self.cloud, self.airflow))
        self.calls |= set(self.standin.calls())  # all of them the pipeline's
        ended = self.clusters()
        assert len(ended) == len(began) + 1
        assert set(ended.values()) == {"TERMINATED"}
        errors = {
            task: evidence.failure(self.airflow.task_folder(run_id, task)) or "" for task in done.failed_tasks
        }
        return Run(done.state, done.tasks, errors)

    def clusters(self) -> dict[str, str]:
        found = json.loads(self.cloud.aws("emr", "list-clusters", "--output", "json"))["Clusters"]
        return {cluster["Id"]: cluster["Status"]["State"] for cluster in found}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    assert (HOME / "venv").exists(), f"there is no finished demo in {HOME}; run: make demo"
    home = tmp_path_factory.mktemp("faults")
    for environment in ("venv", "standin-venv"):
        (home / environment).symlink_to(HOME / environment)
    layout, console = Layout(home), Console()
    try:
        yield Pipeline(*bring_up(layout, console), console, home)
    finally:
        end_leftovers(layout.marker)


def test_an_address_that_is_no_zip_starts_nothing(pipeline: Pipeline) -> None:
    with pytest.raises(DemoError, match=r"(?s)refuses the run.*dataset"):
        pipeline.airflow.trigger({"dataset": "https://example.org/ml.tar.gz"})


def test_a_zip_that_holds_text(pipeline: Pipeline) -> None:
    run = pipeline.run(pipeline.put("datasets/text.zip", b"this is no archive"))
    assert run.state == "failed"
    assert list(run.errors) == ["extract_load_data"]
    assert "datasets/text.zip is no zip file (18 bytes)" in run.errors["extract_load_data"]
    assert run.tasks["preprocess_movies"] == run.tasks["trigger_stepfunctions"] == "upstream_failed"
    assert run.tasks["terminate_cluster"] == "success"


def test_a_spark_step_that_fails(pipeline: Pipeline) -> None:
    damaged = packed(ratings=FILES["ratings"] + "3,1,five,1260759147\n")
    run = pipeline.run(pipeline.put("datasets/damaged.zip", damaged))
    assert run.state == "failed"
    assert list(run.errors) == ["preprocess_ratings"]
    assert "CorruptRowsError" in run.errors["preprocess_ratings"]
    assert "1 corrupt rows, 0 tolerated" in run.errors["preprocess_ratings"]
    assert "five" in run.errors["preprocess_ratings"]
    assert run.tasks["preprocess_movies"] == run.tasks["terminate_cluster"] == "success"
    assert run.tasks["trigger_stepfunctions"] == "upstream_failed"


def test_a_state_machine_that_fails(pipeline: Pipeline) -> None:
    address = pipeline.put("datasets/good.zip", packed())
    pipeline.cloud.aws("s3", "rm", f"s3://{DATA_BUCKET}/{GLUE_SCRIPT}")
    try:
        run = pipeline.run(address)
    finally:
        pipeline.put(GLUE_SCRIPT, (ROOT / "setup/transform/movielens_glue_transform.py").read_bytes())
    assert run.state == "failed"
    assert list(run.errors) == ["monitor_stepfunctions"]
    error = run.errors["monitor_stepfunctions"]
    assert "movielens_glue_transform.py" in error, error


def test_the_next_run_is_good(pipeline: Pipeline) -> None:
    run = pipeline.run(pipeline.put("datasets/good.zip", packed()))
    assert (run.state, run.errors) == ("success", {})
    assert set(run.tasks.values()) == {"success"}
    objects = pipeline.cloud.aws("s3", "ls", "--recursive", f"s3://{DATA_BUCKET}/curated/")
    assert "most_popular_movies" in objects
    assert "top_rated_movies" in objects


def granted(standin: StandIn) -> set[str]:
    """What the DAG's policy and the inline policies of all roles that deploy.sh made allow."""
    iam = standin.client("iam")
    documents = [json.loads((ROOT / "setup" / "additional_policy.json").read_text())]
    for role in [entry["RoleName"] for entry in iam.list_roles()["Roles"]]:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents += [iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names]
    actions = [statement["Action"] for document in documents for statement in document["Statement"]]
    return {action for listed in actions for action in ([listed] if isinstance(listed, str) else listed)}


def test_the_runs_before_called_nothing_that_no_policy_allows(pipeline: Pipeline) -> None:
    assert pipeline.calls, "run the whole module"
    called = set()
    for call in pipeline.calls:
        service, _, operation = call.partition(":")
        action = f"{SERVICES.get(service, service)}:{operation}"
        called |= set(ACTIONS.get(action, [action]))
    print(sorted(called))
    assert called <= granted(pipeline.standin)
    assert {"elasticmapreduce:RunJobFlow", "glue:StartCrawler", "ssm:GetParameter"} <= called
