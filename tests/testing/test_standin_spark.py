from __future__ import annotations

import gzip
import json
import textwrap
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn, until

JOB = """
import sys
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

options = getResolvedOptions(sys.argv, ["JOB_NAME", "source", "target"])
spark = SparkSession.builder.appName(options["JOB_NAME"]).getOrCreate()
rows = spark.read.csv(options["source"], header=True, inferSchema=True)
rows.groupBy("genre").count().write.mode("overwrite").parquet(options["target"])
print("rows", rows.count())
"""


@pytest.fixture(scope="module")
def bucket(standin: StandIn) -> str:
    """A bucket made after the stand-in was started."""
    s3 = standin.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(
        Bucket="lake", Key="raw/movies.csv", Body="title,genre\nHeidi,Drama\nUli,Drama\nÖtzi,Doku\n".encode()
    )
    s3.put_object(Bucket="lake", Key="curated/genres/old.parquet", Body=b"left over")
    return "lake"


def run_job(
    standin: StandIn, name: str, script: str, arguments: dict[str, str], **job: Any
) -> dict[str, Any]:
    standin.client("s3").put_object(
        Bucket="lake", Key=f"scripts/{name}.py", Body=textwrap.dedent(script).encode()
    )
    glue = standin.client("glue")
    command = {"Name": job.pop("kind", "glueetl"), "ScriptLocation": f"s3://lake/scripts/{name}.py"}
    glue.create_job(Name=name, Role="r", Command=command, **job)
    run_id = glue.start_job_run(JobName=name, Arguments=arguments)["JobRunId"]

    def state() -> str:
        return str(glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]["JobRunState"])

    seen = until(state, lambda s: s not in ("STARTING", "RUNNING", "STOPPING"), timeout=170)
    run = dict(glue.get_job_run(JobName=name, RunId=run_id)["JobRun"])
    run["seen"] = seen
    return run


def log_lines(standin: StandIn, group: str, stream: str) -> list[str]:
    events = standin.client("logs").get_log_events(
        logGroupName=group, logStreamName=stream, startFromHead=True
    )
    return [event["message"] for event in events["events"]]


@pytest.mark.slow
def test_a_glue_job_reads_and_overwrites_s3_on_spark_and_a_crawler_makes_its_table(
    standin: StandIn, bucket: str, tmp_path: Path
) -> None:
    arguments = {"--source": "s3://lake/raw/", "--target": "s3://lake/curated/genres/"}
    run = run_job(standin, "genres", JOB, arguments, DefaultArguments={"--enable-metrics": "true"})
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert run["seen"] == ["STARTING", "RUNNING", "SUCCEEDED"]
    assert "rows 3" in log_lines(standin, "/aws-glue/jobs/output", run["Id"])
    s3 = standin.client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="curated/")["Contents"]]
    assert "curated/genres/_SUCCESS" in keys
    assert "curated/genres/old.parquet" not in keys
    assert not [k for k in keys if k.endswith(".crc") or "_temporary" in k]
    (part,) = [k for k in keys if k.endswith(".parquet")]
    local = tmp_path / "part.parquet"
    s3.download_file(bucket, part, str(local))
    assert sorted(duckdb.read_parquet(str(local)).fetchall()) == [("Doku", 1), ("Drama", 2)]

    glue = standin.client("glue")
    glue.create_database(DatabaseInput={"Name": "db"})
    target = {"S3Targets": [{"Path": "s3://lake/curated/genres/"}]}
    glue.create_crawler(Name="genres", Role="r", DatabaseName="db", Targets=target)
    glue.start_crawler(Name="genres")
    with pytest.raises(ClientError, match="CrawlerRunningException"):
        glue.start_crawler(Name="genres")
    seen = until(lambda: glue.get_crawler(Name="genres")["Crawler"]["State"], lambda s: s == "READY")
    assert seen == ["RUNNING", "STOPPING", "READY"]
    assert glue.get_crawler(Name="genres")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    (found,) = glue.get_tables(DatabaseName="db")["TableList"]
    assert found["Name"] == "genres"
    assert found["StorageDescriptor"]["Columns"] == [
        {"Name": "genre", "Type": "string"},
        {"Name": "count", "Type": "bigint"},
    ]
    assert found["StorageDescriptor"]["Location"] == "s3://lake/curated/genres/"
    assert found["Parameters"]["classification"] == "parquet"


@pytest.mark.slow
def test_spark_submit_as_an_emr_step_fails_with_the_spark_exception(standin: StandIn, bucket: str) -> None:
    script = """
    import sys
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    print(spark.read.csv(sys.argv[1], header=True).count(), flush=True)
    spark.read.parquet("s3://lake/missing/")
    """
    standin.client("s3").put_object(
        Bucket=bucket, Key="scripts/step.py", Body=textwrap.dedent(script).encode()
    )
    submit = "spark-submit --deploy-mode cluster --master yarn --num-executors 2"
    submit += " --conf spark.sql.adaptive.enabled=true s3://lake/scripts/step.py s3://lake/raw/"
    emr = standin.client("emr")
    cluster = emr.run_job_flow(
        Name="spark",
        ReleaseLabel="emr-7.9.0",
        LogUri="s3://lake/logs",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": False,
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
        },
        Steps=[
            {
                "Name": "s",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": submit.split()},
            }
        ],
    )["JobFlowId"]

    def status() -> Any:
        return emr.list_steps(ClusterId=cluster)["Steps"][0]["Status"]

    seen = until(lambda: status()["State"], lambda s: s in ("COMPLETED", "FAILED"), timeout=170)
    assert seen == ["PENDING", "RUNNING", "FAILED"]
    assert "PATH_NOT_FOUND" in status()["FailureDetails"]["Message"]
    assert "s3://lake/missing" in status()["FailureDetails"]["Message"]


@pytest.mark.slow
def test_spark_submit_in_a_shell_step_sees_what_the_step_uploaded(standin: StandIn, bucket: str) -> None:
    job = """
    import sys
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    print("counted", spark.read.csv(sys.argv[1], header=True).count(), spark.sparkContext.master)
    """
    s3 = standin.client("s3")
    s3.put_object(Bucket=bucket, Key="scripts/count.py", Body=textwrap.dedent(job).encode())
    shell = "printf 'a\\n1\\n2\\n' | aws s3 cp - s3://lake/fresh/a.csv && "
    shell += "spark-submit --master yarn --deploy-mode=cluster s3://lake/scripts/count.py s3://lake/fresh/"
    step = {"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", shell]}}
    emr = standin.client("emr")
    cluster = emr.run_job_flow(
        Name="shell",
        ReleaseLabel="emr-7.9.0",
        LogUri="s3://lake/logs",
        Instances={"KeepJobFlowAliveWhenNoSteps": False, "MasterInstanceType": "m5.xlarge"},
        Steps=[step],
    )["JobFlowId"]

    def found() -> Any:
        return emr.list_steps(ClusterId=cluster)["Steps"][0]

    until(lambda: found()["Status"]["State"], lambda s: s in ("COMPLETED", "FAILED"), timeout=170)
    key = f"logs/{cluster}/steps/{found()['Id']}/stdout.gz"
    text = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
    assert "counted 2 local[2]" in text, found()["Status"]


def test_a_failed_python_shell_job_says_why(standin: StandIn, bucket: str) -> None:
    script = """
    import sys
    print('begun')
    raise ValueError('no ratings in ' + sys.argv[sys.argv.index('--source') + 1])
    """
    run = run_job(standin, "shell", script, {"--source": "here"}, kind="pythonshell")
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "ValueError: no ratings in here"
    assert "ValueError: no ratings in here" in log_lines(standin, "/aws-glue/jobs/error", run["Id"])
    assert log_lines(standin, "/aws-glue/jobs/output", run["Id"]) == ["begun"]


def test_a_missing_script_fails_the_run(standin: StandIn, bucket: str) -> None:
    glue = standin.client("glue")
    glue.create_job(Name="none", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://lake/none.py"})
    run_id = glue.start_job_run(JobName="none")["JobRunId"]
    until(
        lambda: glue.get_job_run(JobName="none", RunId=run_id)["JobRun"]["JobRunState"],
        lambda s: s == "FAILED",
    )
    assert "s3://lake/none.py" in glue.get_job_run(JobName="none", RunId=run_id)["JobRun"]["ErrorMessage"]


def test_a_run_is_stopped_times_out_and_is_limited_in_number(standin: StandIn, bucket: str) -> None:
    glue = standin.client("glue")
    standin.client("s3").put_object(
        Bucket="lake", Key="scripts/long.py", Body=b"import time\ntime.sleep(600)\n"
    )
    command = {"Name": "pythonshell", "ScriptLocation": "s3://lake/scripts/long.py"}
    glue.create_job(Name="long", Role="r", Command=command)
    first = glue.start_job_run(JobName="long")["JobRunId"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        glue.start_job_run(JobName="long")
    until(
        lambda: glue.get_job_run(JobName="long", RunId=first)["JobRun"]["JobRunState"],
        lambda s: s == "RUNNING",
    )
    answer = glue.batch_stop_job_run(JobName="long", JobRunIds=[first, "jr_none"])
    assert [s["JobRunId"] for s in answer["SuccessfulSubmissions"]] == [first]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunNotFoundException"
    until(
        lambda: glue.get_job_run(JobName="long", RunId=first)["JobRun"]["JobRunState"],
        lambda s: s == "STOPPED",
    )
    glue.update_job(JobName="long", JobUpdate={"Role": "r2", "Command": command, "Timeout": 1})
    assert glue.get_job(JobName="long")["Job"]["Role"] == "r2"
    second = glue.start_job_run(JobName="long")["JobRunId"]
    assert [r["Id"] for r in glue.get_job_runs(JobName="long")["JobRuns"]] == [second, first]
    standin.drive("glue_job_run", second, "TIMEOUT", message="as the test wants")
    run = glue.get_job_run(JobName="long", RunId=second)["JobRun"]
    assert (run["JobRunState"], run["ErrorMessage"]) == ("TIMEOUT", "as the test wants")


def test_a_crawl_of_a_missing_path_fails_with_a_message(standin: StandIn, bucket: str) -> None:
    glue = standin.client("glue")
    glue.create_database(DatabaseInput={"Name": "db2"})
    target = {"S3Targets": [{"Path": "s3://lake/never/"}]}
    glue.create_crawler(Name="missing", Role="r", DatabaseName="db2", Targets=target)
    glue.start_crawler(Name="missing")
    until(lambda: glue.get_crawler(Name="missing")["Crawler"]["State"], lambda s: s == "READY")
    last = glue.get_crawler(Name="missing")["Crawler"]["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "s3://lake/never/" in last["ErrorMessage"]
    crawls = glue.list_crawls(CrawlerName="missing")["Crawls"]
    assert [c["State"] for c in crawls] == ["FAILED"]
    later = str(int(crawls[0]["StartTime"].timestamp() * 1000) + 1000)
    after = [{"FieldName": "START_TIME", "FilterOperator": "GT", "FieldValue": later}]
    assert glue.list_crawls(CrawlerName="missing", Filters=after)["Crawls"] == []


def test_every_parquet_type_has_a_glue_type(standin: StandIn, bucket: str, tmp_path: Path) -> None:
    local = tmp_path / "types.parquet"
    duckdb.sql(
        "copy (select 1::int i, 2::bigint b, 1::smallint s, 1::tinyint t, true z, 1.5::float f, 1.5::double d,"
        " 1.5::decimal(9,2) m, 'x' v, 'x'::blob bl, current_date dt, localtimestamp ts, [1, 2] l,"
        " {'x': 1, 'y': ['s']} st, map {'k': 1::bigint} mp)"
        f" to '{local}' (format parquet)"
    )
    s3, glue = standin.client("s3"), standin.client("glue")
    s3.upload_file(str(local), bucket, "types/t.parquet")
    glue.create_database(DatabaseInput={"Name": "types"})
    target = {"S3Targets": [{"Path": "s3://lake/types/"}]}
    glue.create_crawler(Name="types", Role="r", DatabaseName="types", Targets=target)
    glue.start_crawler(Name="types")
    until(lambda: glue.get_crawler(Name="types")["Crawler"]["State"], lambda s: s == "READY")
    columns = glue.get_table(DatabaseName="types", Name="types")["Table"]["StorageDescriptor"]["Columns"]
    assert {c["Name"]: c["Type"] for c in columns} == {
        "i": "int", "b": "bigint", "s": "smallint", "t": "tinyint", "z": "boolean", "f": "float",
        "d": "double", "m": "decimal(9,2)", "v": "string", "bl": "binary", "dt": "date", "ts": "timestamp",
        "l": "array<int>", "st": "struct<x:int,y:array<string>>", "mp": "map<string,bigint>",
    }  # fmt: skip


def test_an_unreadable_file_fails_the_crawl(standin: StandIn, bucket: str) -> None:
    glue = standin.client("glue")
    standin.client("s3").put_object(Bucket=bucket, Key="broken/b.parquet", Body=b"no parquet at all")
    glue.create_database(DatabaseInput={"Name": "broken"})
    target = {"S3Targets": [{"Path": "s3://lake/broken/"}]}
    glue.create_crawler(Name="broken", Role="r", DatabaseName="broken", Targets=target)
    glue.start_crawler(Name="broken")
    until(lambda: glue.get_crawler(Name="broken")["Crawler"]["State"], lambda s: s == "READY")
    last = glue.get_crawler(Name="broken")["Crawler"]["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "s3://lake/broken/b.parquet" in last["ErrorMessage"]


def test_partitions_and_csv_are_crawled(standin: StandIn, bucket: str) -> None:
    s3, glue = standin.client("s3"), standin.client("glue")
    for day in ("2026-01-01", "2026-01-02"):
        s3.put_object(Bucket=bucket, Key=f"events/day={day}/e.csv", Body=b"id,score,name\n1,2.5,a\n2,3,b\n")
    glue.create_database(DatabaseInput={"Name": "db3"})
    target = {"S3Targets": [{"Path": "s3://lake/events"}]}
    glue.create_crawler(Name="events", Role="r", DatabaseName="db3", Targets=target, TablePrefix="raw_")
    for _ in range(2):  # the second crawl updates the table
        glue.start_crawler(Name="events")
        until(lambda: glue.get_crawler(Name="events")["Crawler"]["State"], lambda s: s == "READY")
        assert glue.get_crawler(Name="events")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    table = glue.get_table(DatabaseName="db3", Name="raw_events")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"),
        ("score", "double"),
        ("name", "string"),
    ]
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    partitions = glue.get_partitions(DatabaseName="db3", TableName="raw_events")["Partitions"]
    assert sorted(p["Values"] for p in partitions) == [["2026-01-01"], ["2026-01-02"]]


def test_stopping_a_crawler(standin: StandIn, bucket: str) -> None:
    glue = standin.client("glue")
    target = {"S3Targets": [{"Path": "s3://lake/raw/"}]}
    glue.create_crawler(Name="stopped", Role="r", DatabaseName="default", Targets=target)
    glue.start_crawler(Name="stopped")
    glue.stop_crawler(Name="stopped")
    seen = until(lambda: glue.get_crawler(Name="stopped")["Crawler"]["State"], lambda s: s == "READY")
    assert seen[0] == "STOPPING"
    assert glue.get_crawler(Name="stopped")["Crawler"]["LastCrawl"]["Status"] == "CANCELLED"
    assert json.dumps(glue.get_crawler_metrics(CrawlerNameList=["stopped"])["CrawlerMetricsList"])
