"""Every kind of job is started once under its key, whatever happened to the attempt before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mwaalib.exceptions import AwsError, RequestValidationError
from support.job_kinds import KINDS, Kind


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, aws: Any) -> Kind:
    found = KINDS[request.param](request.param, aws)
    found.prepare()
    return found


def running(kind: Kind, started: dict[str, Any]) -> None:
    """moto ends commands and Glue runs at once: bring them back to work."""
    if kind.name == "ssm_command":
        for command in kind.aws.backend("ssm")._commands:
            command.status = "InProgress"
    if kind.name == "glue_job_run":
        for run in kind.aws.backend("glue").jobs["etl"].job_runs:
            run._transitions = []
            run.status = "RUNNING"


def test_a_retry_joins_the_job_of_a_crashed_attempt(kind: Kind) -> None:
    first = kind.start("dag-task-1")
    running(kind, first)
    again = kind.start("dag-task-1")
    assert first["reattached"] is None
    assert again["reattached"] == "pending"
    assert (again["ids"], again["parent"]) == (first["ids"], first["parent"])
    assert kind.count() == 1


def test_another_key_starts_another_job(kind: Kind) -> None:
    first, other = kind.start("dag-task-1"), kind.start("dag-task-11")
    assert other["reattached"] is None
    assert (other["ids"], other["parent"]) != (first["ids"], first["parent"])
    assert kind.count() == 2


def test_a_job_that_succeeded_is_adopted(kind: Kind) -> None:
    first = kind.start("k")
    kind.end(first, well=True)
    again = kind.start("k")
    assert (again["reattached"], again["ids"]) == ("succeeded", first["ids"])
    assert kind.count() == 1


def test_a_job_that_failed_is_started_anew(kind: Kind) -> None:
    first = kind.start("k")
    kind.end(first, well=False)
    second = kind.start("k")
    assert second["reattached"] is None
    assert kind.count() == 2
    found = kind.start("k")
    assert found["reattached"] is not None
    assert (found["ids"], found["parent"]) == (second["ids"], second["parent"])
    kind.end(second, well=False)
    assert kind.start("k")["reattached"] is None
    assert kind.count() == 3


def test_without_a_key_every_start_is_a_new_job(kind: Kind) -> None:
    for n in range(2):
        more = {"name": f"run-{n}"} if kind.name == "sfn_execution" else {}
        assert kind.start(None, **more)["reattached"] is None
    assert kind.count() == 2


@contextmanager
def relay(target: str, starts: set[str], then: Any) -> Iterator[str]:
    """Hand requests on to AWS; once one of `starts` was taken, call `then` in place of its reply."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = urllib.request.Request(target + self.path, data=body, headers=dict(self.headers))
            try:
                reply = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                reply = error
            with reply:
                status, headers, content = reply.status, reply.headers, reply.read()
            if self.headers.get("x-amz-target", "").rsplit(".", 1)[-1] in starts:
                starts.clear()
                then()
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("content-type", headers.get("content-type", "application/x-amz-json-1.1"))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


STARTS = {"RunJobFlow", "AddJobFlowSteps", "StartExecution", "StartJobRun", "SendCommand"}


CHILD = "import sys; from mwaalib import _core; print(_core.Session(sys.argv[1]).start(sys.argv[2]))"


def test_an_attempt_killed_before_it_knew_the_id_leaves_one_job(kind: Kind) -> None:
    children: list[subprocess.Popen[bytes]] = []
    with relay(kind.aws.url, set(STARTS), lambda: children[0].kill()) as url:
        command = [sys.executable, "-c", CHILD, kind.aws.settings(url), kind.job("k")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
        output, _ = children[0].communicate(timeout=60)
    assert children[0].returncode == -signal.SIGKILL
    assert output == b""
    assert kind.count() == 1
    assert kind.start("k")["reattached"] in ("pending", "succeeded")
    assert kind.count() == 1


def test_a_lost_reply_leaves_one_job(kind: Kind) -> None:
    lost = []
    with relay(kind.aws.url, set(STARTS), lambda: lost.append(1)) as url:
        started = kind.start("k", kind.aws.session(url))
    assert lost == [1]
    assert started["reattached"] in ("pending", "succeeded")
    assert kind.count() == 1


def test_bad_requests_are_refused_before_anything_is_sent(kind: Kind) -> None:
    with pytest.raises(RequestValidationError, match="Bogus"):
        kind.start("k", Bogus=1)
    assert kind.count() == 0


def test_a_refusal_of_aws_keeps_its_code(aws: Any) -> None:
    kind = KINDS["glue_job_run"]("glue_job_run", aws)
    kind.prepare()
    aws.backend("glue").jobs["etl"].execution_property = {"MaxConcurrentRuns": 1}
    first = kind.start("k")
    running(kind, first)
    with pytest.raises(AwsError) as refused:
        kind.start("other")
    assert refused.value.code == "ConcurrentRunsExceededException"


def test_keys_show_where_people_look(aws: Any) -> None:
    cluster = KINDS["emr_job_flow"]("emr_job_flow", aws).start("dag-1")["ids"][0]
    described = aws.boto("emr").describe_cluster(ClusterId=cluster)["Cluster"]
    assert described["Name"] == "nightly"
    assert {"Key": "mwaalib:key", "Value": "dag-1"} in described["Tags"]


class TestCrawler:
    @pytest.fixture
    def start(self, aws: Any) -> Any:
        aws.boto("glue").create_crawler(
            Name="c", Role="r", DatabaseName="d", Targets={"S3Targets": [{"Path": "s3://b/p"}]}
        )

        def start(reuse: bool = True) -> dict[str, Any]:
            job = {"kind": "glue_crawler", "request": {"Name": "c"}, "key": "k", "reuse": reuse}
            return json.loads(aws.session().start(json.dumps(job)))

        return start

    def test_a_running_crawl_is_joined(self, start: Any) -> None:
        assert start()["reattached"] is None
        again = start()
        assert (again["reattached"], again["ids"]) == ("pending", ["c"])

    def test_or_refused_where_that_is_wanted(self, start: Any) -> None:
        start()
        with pytest.raises(AwsError) as refused:
            start(reuse=False)
        assert refused.value.code == "CrawlerRunningException"

    def test_an_unknown_crawler_is_an_error(self, aws: Any) -> None:
        with pytest.raises(AwsError, match="EntityNotFoundException"):
            aws.session().start(json.dumps({"kind": "glue_crawler", "request": {"Name": "nope"}}))
