"""Glue's crawler operators against the stand-in."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest
from mwaalib.exceptions import AwsError, AwsNotFoundError, JobFailedError
from mwaalib.operators.glue_crawler import (
    GlueCrawlerCreateOperator,
    GlueCrawlerDeleteOperator,
    GlueCrawlerOperator,
    GlueCrawlerRunOperator,
    GlueCrawlerUpdateOperator,
)
from support.task import context, run_deferred
from support.work import ROLE, unique


@pytest.fixture
def config(aws: Any) -> dict[str, Any]:
    """A crawler's configuration over a bucket with one table in it."""
    bucket = unique("lake")
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="t/x.csv", Body=b"a,b\n1,2\n")
    database = unique("db")
    aws.client("glue").create_database(DatabaseInput={"Name": database})
    return {
        "Name": unique("crawler"), "Role": ROLE, "DatabaseName": database,
        "Targets": {"S3Targets": [{"Path": f"s3://{bucket}/t/"}]},
    }  # fmt: skip


def crawl(config: dict[str, Any], **kwargs: Any) -> GlueCrawlerOperator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GlueCrawlerOperator(task_id="crawl", config=config, poll_interval=1, **kwargs)


def run(operator: Any, ctx: Any) -> Any:
    return run_deferred(operator, ctx) if operator.deferrable else operator.execute(ctx)


def test_it_is_deprecated_as_the_incumbents() -> None:
    from airflow.exceptions import AirflowProviderDeprecationWarning

    with pytest.warns(AirflowProviderDeprecationWarning, match="GlueCrawlerRunOperator"):
        GlueCrawlerOperator(task_id="crawl", config={"Name": "x"})


@pytest.mark.parametrize("deferrable", [False, True])
def test_create_and_run(aws: Any, config: dict[str, Any], deferrable: bool) -> None:
    assert run(crawl(config, deferrable=deferrable), context()) == config["Name"]
    tables = aws.client("glue").get_tables(DatabaseName=config["DatabaseName"])["TableList"]
    assert len(tables) == 1


def test_existing_crawler_is_updated(aws: Any, config: dict[str, Any]) -> None:
    aws.client("glue").create_crawler(**config)
    run(crawl({**config, "Description": "new"}), context())
    assert aws.client("glue").get_crawler(Name=config["Name"])["Crawler"]["Description"] == "new"


def test_second_crawl_is_not_taken_for_the_first(aws: Any, config: dict[str, Any]) -> None:
    run(crawl(config), context())
    failed = {**config, "Targets": {"S3Targets": [{"Path": "s3://no-such-bucket-at-all/t/"}]}}
    with pytest.raises(JobFailedError):
        run(crawl(failed), context())
    assert aws.calls()["glue:StartCrawler"] == 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_failed_crawl_says_why(aws: Any, config: dict[str, Any], deferrable: bool) -> None:
    config["Targets"] = {"S3Targets": [{"Path": "s3://no-such-bucket-at-all/t/"}]}
    with pytest.raises(JobFailedError, match="no-such-bucket"):
        run(crawl(config, deferrable=deferrable), context())


def test_crawler_that_somebody_else_runs(aws: Any, config: dict[str, Any]) -> None:
    aws.client("glue").create_crawler(**config)
    aws.fault("glue", "StartCrawler", code="CrawlerRunningException", status=400)
    with pytest.raises(AwsError, match="CrawlerRunningException"):
        GlueCrawlerRunOperator(task_id="r", crawler_name=config["Name"], poll_interval=1).execute(context())


def test_crawler_that_somebody_else_runs_is_joined_on_wish(aws: Any, config: dict[str, Any]) -> None:
    aws.client("glue").create_crawler(**config)
    aws.client("glue").start_crawler(Name=config["Name"])
    aws.drive("glue_crawler", config["Name"], "RUNNING")
    timer = threading.Timer(1, aws.drive, ["glue_crawler", config["Name"], "SUCCEEDED"])
    timer.start()
    operator = GlueCrawlerRunOperator(
        task_id="r", crawler_name=config["Name"], poll_interval=1, fail_on_already_running=False
    )
    assert operator.execute(context()) == config["Name"]
    assert aws.calls()["glue:StartCrawler"] == 1
    timer.join()


def test_create_update_delete(aws: Any, config: dict[str, Any]) -> None:
    assert GlueCrawlerCreateOperator(task_id="c", config=config).execute(context()) == config["Name"]
    changed = {**config, "Description": "d"}
    assert GlueCrawlerUpdateOperator(task_id="u", config=changed).execute(context()) == config["Name"]
    GlueCrawlerDeleteOperator(task_id="d", crawler_name=config["Name"]).execute(context())
    with pytest.raises(AwsNotFoundError):
        GlueCrawlerUpdateOperator(task_id="u", config=config).execute(context())


def test_unknown_crawler(aws: Any) -> None:
    with pytest.raises(AwsNotFoundError):
        GlueCrawlerRunOperator(task_id="r", crawler_name=unique("none")).execute(context())
