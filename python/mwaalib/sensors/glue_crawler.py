"""Sensor of AWS Glue's crawlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable
from mwaalib.exceptions import MwaalibError
from mwaalib.hooks.glue_crawler import GlueCrawlerHook
from mwaalib.job import Wait
from mwaalib.operators.base_aws import aws_template_fields
from mwaalib.sensors.base_aws import AwsBaseSensor

if TYPE_CHECKING:
    from mwaalib.compat import Context


class GlueCrawlerSensor(AwsBaseSensor[GlueCrawlerHook]):
    """Waits until a crawler is done and its last crawl has succeeded.

    :param crawler_name: Name of the crawler. (templated)
    :param deferrable: Whether to wait in the triggerer, for at most `timeout` seconds.
    :raises JobFailedError: when the last crawl failed or was cancelled, with its error message.
    """

    aws_hook_class = GlueCrawlerHook
    template_fields: Sequence[str] = aws_template_fields("crawler_name")

    def __init__(self, *, crawler_name: str, deferrable: bool = default_deferrable(), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.crawler_name = crawler_name
        self.deferrable = deferrable
        self.success_statuses = "SUCCEEDED"
        self.errored_statuses = ("FAILED", "CANCELLED")

    def sensor_wait(self) -> Wait:
        return Wait(kind="glue_crawler", ids=[self.crawler_name], delay=self.poke_interval)

    def job_seen(self, context: Context) -> None:
        self.look(context)

    def look(self, context: Context) -> str:
        crawler = self.hook.get_crawler(self.crawler_name)
        last = crawler.get("LastCrawl", {}).get("Status")
        if crawler["State"] == "READY" and not last:
            raise MwaalibError(f"crawler {self.crawler_name!r} has never run: there is no crawl to wait for")
        # A crawler that is ready says by its last crawl how it went.
        return last if crawler["State"] == "READY" and last else crawler["State"]
