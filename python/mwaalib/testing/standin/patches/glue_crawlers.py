"""Glue crawlers: RUNNING, STOPPING, READY in time, with tables and LastCrawl to show for it.

moto's crawlers stay RUNNING unless ListCrawls is called, make no tables, and write a LastCrawl
without SUCCEEDED or ErrorMessage; ListCrawls compares times as text; UpdateCrawler and
GetCrawlerMetrics are missing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.errors import AwsError
from mwaalib.testing.standin.overlay import Request
from mwaalib.testing.standin.patches.glue_jobs import backend_of

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

CRAWLER_MEMBERS = {
    "Role": "role",
    "DatabaseName": "database_name",
    "Description": "description",
    "Targets": "targets",
    "Schedule": "schedule",
    "Classifiers": "classifiers",
    "TablePrefix": "table_prefix",
    "SchemaChangePolicy": "schema_change_policy",
    "RecrawlPolicy": "recrawl_policy",
    "LineageConfiguration": "lineage_configuration",
    "Configuration": "configuration",
    "CrawlerSecurityConfiguration": "crawler_security_configuration",
}


def apply(runtime: Runtime) -> None:
    """Let crawlers crawl."""
    from moto.glue.exceptions import CrawlerNotRunningException, CrawlerRunningException
    from moto.glue.models import FakeCrawl, FakeCrawler

    as_dict = FakeCrawler.as_dict

    def start(self: Any) -> None:
        if self.status != "READY":
            raise CrawlerRunningException(f"Crawler with name {self.name} has already started")
        crawl = FakeCrawl(self.name)
        self.crawls.append(crawl)
        runtime.crawls.begin(self, crawl)

    def stop(self: Any) -> None:
        if self.status == "STOPPING":
            raise AwsError("CrawlerStoppingException", f"Crawler with name {self.name} is stopping")
        if self.status != "RUNNING":
            raise CrawlerNotRunningException(f"Crawler with name {self.name} isn't running")
        runtime.crawls.get(self).stop()

    def described(self: Any) -> dict[str, Any]:
        data = {name: value for name, value in as_dict(self).items() if value is not None}
        data.pop("LastCrawl", None)
        ended = [crawl for crawl in self.crawls if getattr(crawl, "result", None)]
        if ended:
            last = ended[-1]
            data["LastCrawl"] = {
                "Status": last.result,
                "StartTime": last.start_time,
                "LogGroup": last.log_group,
                "LogStream": last.log_stream,
                "MessagePrefix": last.message_prefix,
            }
            if last.error_message:
                data["LastCrawl"]["ErrorMessage"] = last.error_message
        return data

    crawl_as_dict = FakeCrawl.as_dict

    def crawl_described(self: Any) -> dict[str, Any]:
        data = crawl_as_dict(self)
        if getattr(self, "error_message", None):
            data["ErrorMessage"] = self.error_message
        return data

    FakeCrawl.status = property(
        lambda self: self._status, lambda self, value: setattr(self, "_status", value)
    )
    FakeCrawl.advance = lambda self: None
    FakeCrawl.as_dict = crawl_described
    FakeCrawler.status = property(lambda self: getattr(self, "phase", "READY"))
    FakeCrawler.start_crawler = start
    FakeCrawler.stop_crawler = stop
    FakeCrawler.as_dict = described
    runtime.overlay.add("glue", "ListCrawls", _list_crawls)
    runtime.overlay.add("glue", "UpdateCrawler", _update_crawler)
    runtime.overlay.add("glue", "GetCrawlerMetrics", _metrics)


def update_crawler(crawler: Any, members: dict[str, Any]) -> None:
    """Change the members given, as UpdateCrawler does."""
    from moto.core.utils import utcnow

    for member, attribute in CRAWLER_MEMBERS.items():
        if member in members:
            setattr(crawler, attribute, members[member])
    crawler.last_updated = utcnow()
    crawler.version += 1


def _update_crawler(request: Request) -> dict[str, Any]:
    crawler = backend_of(request).crawlers.get(request.body.get("Name", ""))
    if crawler is None:
        raise AwsError("EntityNotFoundException", f"Crawler {request.body.get('Name')} not found.")
    if crawler.status != "READY":
        raise AwsError("CrawlerRunningException", f"Crawler with name {crawler.name} is running")
    update_crawler(crawler, request.body)
    return {}


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
    "EQ": operator.eq,
    "NE": operator.ne,
}


def _list_crawls(request: Request) -> dict[str, Any]:
    body = request.body
    crawler = backend_of(request).crawlers.get(body.get("CrawlerName", ""))
    if crawler is None:
        raise AwsError(
            "EntityNotFoundException", f"Crawler entry with name {body.get('CrawlerName')} does not exist"
        )
    crawls = [_crawl(c) for c in reversed(crawler.crawls)]
    for condition in body.get("Filters", []):
        crawls = [c for c in crawls if _passes(c, condition)]
    start, size = int(body.get("NextToken") or 0), int(body.get("MaxResults") or 20)
    answer: dict[str, Any] = {"Crawls": crawls[start : start + size]}
    if len(crawls) > start + size:
        answer["NextToken"] = str(start + size)
    return answer


def _crawl(crawl: Any) -> dict[str, Any]:
    data = {n: v.timestamp() if isinstance(v, datetime) else v for n, v in crawl.as_dict().items()}
    data["DPUHour"] = 0.1
    return data


def _passes(crawl: dict[str, Any], condition: dict[str, str]) -> bool:
    names = {"CRAWL_ID": "CrawlId", "STATE": "State", "START_TIME": "StartTime", "END_TIME": "EndTime"}
    member = names.get(condition["FieldName"], "DPUHour")
    value, wanted = crawl.get(member), condition["FieldValue"]
    if value is None:
        return False
    compare = _COMPARE[condition["FilterOperator"]]
    if member in ("StartTime", "EndTime"):  # given as milliseconds since the epoch
        return compare(int(value * 1000), int(wanted))
    return compare(value, float(wanted) if member == "DPUHour" else wanted)


def _metrics(request: Request) -> dict[str, Any]:
    wanted = request.body.get("CrawlerNameList")
    metrics = []
    for crawler in backend_of(request).crawlers.values():
        if wanted and crawler.name not in wanted:
            continue
        seconds = crawler.crawl_elapsed_time / 1000
        metrics.append(
            {
                "CrawlerName": crawler.name,
                "TimeLeftSeconds": 0.0,
                "StillEstimating": False,
                "LastRuntimeSeconds": seconds,
                "MedianRuntimeSeconds": seconds,
                "TablesCreated": 0,
                "TablesUpdated": 0,
                "TablesDeleted": 0,
            }
        )
    return {"CrawlerMetricsList": metrics}
