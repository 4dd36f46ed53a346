"""The state machine of the template, on the stand-in, its functions answering from scripts."""

from __future__ import annotations

import io
import json
import pathlib
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from mwaalib.testing.process import StandIn

ROOT = pathlib.Path(__file__).parents[2]
PROCESS, CHECK = "mwaa-process-movielens", "mwaa-checkjob-movielens"
CRAWL, ERROR = "mwaa-crawl-movielens", "mwaa-movielens-error"
RUNNING = {"name": "j", "run_id": "jr", "state": "RUNNING", "outcome": "RUNNING"}
STARTED = {"return": {"job": RUNNING, "wait_seconds": 1}}


def job(outcome: str) -> dict[str, Any]:
    return {"set": {"job": {**RUNNING, "outcome": outcome}}}


def crawl(outcome: str) -> dict[str, Any]:
    return {"set": {"crawl": {"outcome": outcome}}}


class Machine:
    """The deployed state machine and its functions' scripts."""

    def __init__(self, standin: StandIn, scripts: pathlib.Path, arn: str) -> None:
        self.sfn, self.scripts, self.arn = standin.client("stepfunctions"), scripts, arn

    def run(self, input: Any = None, **script: list[dict[str, Any]]) -> dict[str, Any]:
        """Runs an execution to its end; the script's names are process, check, crawl and error."""
        for name, function in {"process": PROCESS, "check": CHECK, "crawl": CRAWL, "error": ERROR}.items():
            (self.scripts / f"{function}.json").write_text(json.dumps(script.get(name, [])))
            (self.scripts / f"{function}.events").write_text("")
        name = f"run-{time.monotonic_ns()}"
        arn = self.sfn.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(input or {}))[
            "executionArn"
        ]
        until = time.monotonic() + 60
        while (execution := self.sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until, "the execution does not end"
            time.sleep(0.1)
        for function in (PROCESS, CHECK, CRAWL, ERROR):
            assert json.loads((self.scripts / f"{function}.json").read_text()) == [], (
                f"{function} was not called"
            )
        return execution

    def events(self, function: str) -> list[Any]:
        """What a function was called with in the last run."""
        return [json.loads(line) for line in (self.scripts / f"{function}.events").read_text().splitlines()]


@pytest.fixture(scope="module")
def machine(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    scripts = tmp_path_factory.mktemp("scripts")
    standin.client("s3").create_bucket(Bucket="machine-code")
    source = (
        (pathlib.Path(__file__).parent / "fake_bootstrap.py").read_text().replace("@SCRIPTS@", str(scripts))
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, source)
    standin.client("s3").put_object(Bucket="machine-code", Key="code.zip", Body=packed.getvalue())
    template = (ROOT / "setup" / "template.yaml").read_text()
    template = re.sub(r"Code: \S+\.zip", "Code: {S3Bucket: machine-code, S3Key: code.zip}", template)
    buckets = {"DataBucket": "machine-data", "MwaaBucket": "machine-mwaa"}
    cloudformation = standin.client("cloudformation")
    cloudformation.create_stack(
        StackName="machine",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in buckets.items()],
    )
    stack = cloudformation.describe_stacks(StackName="machine")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    yield Machine(standin, scripts, outputs["StateMachineArn"])
    cloudformation.delete_stack(StackName="machine")


def test_waits_for_job_and_crawlers(machine: Machine) -> None:
    execution = machine.run(
        {"minimum_ratings": 3},
        process=[STARTED],
        check=[job("RUNNING"), job("SUCCEEDED")],
        crawl=[crawl("RUNNING"), crawl("SUCCEEDED")],
    )
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["crawl"] == {"outcome": "SUCCEEDED"}
    (event,) = machine.events(PROCESS)
    assert event["input"] == {"minimum_ratings": 3}
    assert event["execution"]["name"] == execution["name"]
    assert re.match(r"\d{4}-\d\d-\d\dT", event["execution"]["started"])


def test_a_failed_job_fails_the_execution_with_its_cause(machine: Machine) -> None:
    execution = machine.run(
        process=[STARTED],
        check=[job("FAILED")],
        error=[{"return": {"Error": "GlueJobFailed", "Cause": "AnalysisException: no such file"}}],
    )
    assert (execution["status"], execution["error"]) == ("FAILED", "GlueJobFailed")
    assert execution["cause"] == "AnalysisException: no such file"
    assert machine.events(ERROR)[0]["job"]["outcome"] == "FAILED"


def test_a_failed_crawler_fails_it_too(machine: Machine) -> None:
    execution = machine.run(
        process=[STARTED],
        check=[job("SUCCEEDED")],
        crawl=[crawl("FAILED")],
        error=[{"return": {"Error": "GlueCrawlerFailed", "Cause": "denied"}}],
    )
    assert (execution["status"], execution["cause"]) == ("FAILED", "denied")


def test_passing_errors_are_retried(machine: Machine) -> None:
    execution = machine.run(
        process=[{"error": ["Transient", "later"]}, STARTED],
        check=[{"error": ["Transient", "later"]}, job("SUCCEEDED")],
        crawl=[crawl("SUCCEEDED")],
    )
    assert execution["status"] == "SUCCEEDED", execution


@pytest.mark.parametrize("function", ["process", "check", "crawl"])
def test_lasting_errors_are_reported(machine: Machine, function: str) -> None:
    script = {"process": [STARTED], "check": [job("SUCCEEDED")], "crawl": [crawl("SUCCEEDED")]}
    names = list(script)
    wanted = {name: script[name] for name in names[: names.index(function)]}
    execution = machine.run(
        **wanted,
        **{function: [{"error": ["AccessDeniedException", "not you"]}]},
        error=[{"return": {"Error": "AccessDeniedException", "Cause": "not you"}}],
    )
    assert (execution["status"], execution["error"]) == ("FAILED", "AccessDeniedException")
    (event,) = machine.events(ERROR)
    assert event["error"]["Error"] == "AccessDeniedException"
    assert "not you" in event["error"]["Cause"]


def test_a_failing_error_function_hides_nothing(machine: Machine) -> None:
    execution = machine.run(
        process=[STARTED], check=[job("FAILED")], error=[{"error": ["Broken", "the reporter itself"]}]
    )
    assert (execution["status"], execution["error"]) == ("FAILED", "Broken")
    assert "the reporter itself" in execution["cause"]
