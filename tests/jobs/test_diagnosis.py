"""A job that failed says why: the cause is dug out of the service and its logs."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from mwaalib.exceptions import AwsError, JobFailedError
from support.job_kinds import KINDS, Kind

TRACE = (
    "26/01/01 10:00:00 INFO SparkContext: Running\n"
    "Traceback (most recent call last):\n"
    '  File "/tmp/job.py", line 3, in <module>\n'
    "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://lake/raw\n"
)


def prepared(aws: Any, name: str) -> Kind:
    kind = KINDS[name](name, aws)
    kind.prepare()
    return kind


def failure(aws: Any, wait: dict[str, Any], on_event: Any = None) -> JobFailedError:
    wait = {"delay": 0.1, "deadline": time.time() + 60} | wait
    with pytest.raises(JobFailedError) as failed:
        aws.session().wait(json.dumps(wait), on_event)
    return failed.value


def test_a_step_tells_the_exception_in_its_packed_log(aws: Any) -> None:
    kind = prepared(aws, "emr_step")
    aws.backend("emr").clusters[kind.cluster].log_uri = "s3n://logs/emr/"
    started = kind.start("k")
    kind.end(started, well=False)
    aws.boto("s3").create_bucket(Bucket="logs")
    key = f"emr/{kind.cluster}/steps/{started['ids'][0]}/stderr.gz"
    aws.boto("s3").put_object(
        Bucket="logs", Key=key, Body=gzip.compress(("noise\n" * 50000 + TRACE).encode())
    )
    error = failure(aws, {"kind": "emr_step", "parent": started["parent"], "ids": started["ids"][:1]})
    assert error.state == "FAILED"
    assert error.cause.startswith("pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND]")
    assert len(error.cause) <= 4096 + 3
    assert error.logs == f"s3://logs/{key.removesuffix('stderr.gz')}"
    assert error.console_url.endswith(f"#/clusterDetails/{kind.cluster}")
    assert "AnalysisException" in str(error)


def test_an_execution_tells_the_state_that_failed(aws: Any) -> None:
    kind = prepared(aws, "sfn_execution")
    started = kind.start("k")
    execution = aws.backend("stepfunctions").describe_execution(started["ids"][0])
    execution.status = "FAILED"
    error = failure(aws, {"kind": "sfn_execution", "ids": started["ids"]})
    assert (error.kind, error.state) == ("sfn_execution", "FAILED")
    assert error.console_url.endswith(started["ids"][0])


def test_a_glue_run_tells_its_error_log_and_follows_it_while_it_runs(aws: Any) -> None:
    kind = prepared(aws, "glue_job_run")
    started = kind.start("k")
    run = aws.backend("glue").jobs["etl"].job_runs[-1]
    run._transitions, run.status = [], "RUNNING"
    logs = aws.boto("logs")
    described = aws.boto("glue").get_job_run(JobName="etl", RunId=started["ids"][0])
    group = described["JobRun"]["LogGroupName"]
    for part in ("output", "error"):
        logs.create_log_group(logGroupName=f"{group}/{part}")
        logs.create_log_stream(logGroupName=f"{group}/{part}", logStreamName=started["ids"][0])

    def write(part: str, text: str) -> None:
        now = int(time.time() * 1000)
        lines = [{"timestamp": now, "message": line} for line in text.splitlines()]
        place = {"logGroupName": f"{group}/{part}", "logStreamName": started["ids"][0]}
        logs.put_log_events(**place, logEvents=lines)

    write("output", "first line\nsecond line")
    write("error", TRACE)
    seen: list[dict[str, Any]] = []

    def on_event(text: str) -> None:
        seen.append(json.loads(text))
        if seen[-1]["type"] == "log":
            run.status = "FAILED"

    wait = {"kind": "glue_job_run", "parent": "etl", "ids": started["ids"], "verbose": True}
    error = failure(aws, wait, on_event)
    assert error.cause.startswith("pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND]")
    lines = [event["message"] for event in seen if event["type"] == "log"]
    assert lines[:2] == ["first line", "second line"]
    assert len(lines) == len(set(lines)) == 2 + len(TRACE.splitlines())


@pytest.mark.parametrize("name", ["emr_job_flow", "sfn_execution"])
def test_what_is_cancelled_ends_and_may_be_cancelled_again(aws: Any, name: str) -> None:
    kind = prepared(aws, name)
    started = kind.start("k")
    wait = json.dumps({"kind": name, "parent": started["parent"], "ids": started["ids"]})
    aws.session().cancel(wait)
    aws.session().cancel(wait)
    if name == "emr_job_flow":
        described = aws.boto("emr").describe_cluster(ClusterId=started["ids"][0])["Cluster"]
        assert described["Status"]["State"] == "TERMINATED"
    else:
        described = aws.boto("stepfunctions").describe_execution(executionArn=started["ids"][0])
        assert described["status"] == "ABORTED"


def test_cancelling_what_never_was_is_an_error(aws: Any) -> None:
    wait = {"kind": "sfn_execution", "ids": ["arn:aws:states:us-east-1:123456789012:execution:none:none"]}
    with pytest.raises(AwsError, match="ExecutionDoesNotExist"):
        aws.session().cancel(json.dumps(wait))
