"""Operators of AWS Glue's crawlers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mwaalib.compat import default_deferrable, provider_deprecation_warning
from mwaalib.exceptions import AwsError, MwaalibError
from mwaalib.hooks.glue_crawler import GlueCrawlerHook
from mwaalib.job import Job, Wait, is_retry
from mwaalib.operators.base_aws import AwsBaseOperator, aws_template_fields

if TYPE_CHECKING:
    from mwaalib.compat import Context

# Looks until a wait for a crawl gives up, blocking and deferred, as in the incumbent.
_ATTEMPTS, _DEFERRED_ATTEMPTS = 1000, 1500


class _GlueCrawlerBaseOperator(AwsBaseOperator[GlueCrawlerHook]):
    aws_hook_class = GlueCrawlerHook
    ui_color = "#ededed"


class GlueCrawlerCreateOperator(_GlueCrawlerBaseOperator):
    """Creates a crawler (Glue CreateCrawler).

    :param config: Members of the request. (templated)
    :return: Name of the crawler.
    """

    template_fields: Sequence[str] = aws_template_fields("config")

    def __init__(self, *, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> str:
        self.hook.create_crawler(**self.config)
        return self.config["Name"]


class GlueCrawlerUpdateOperator(_GlueCrawlerBaseOperator):
    """Brings a crawler to the wanted configuration (Glue UpdateCrawler).

    :param config: Members of the request. (templated)
    :return: Name of the crawler.
    """

    template_fields: Sequence[str] = aws_template_fields("config")

    def __init__(self, *, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> str:
        self.hook.update_crawler(**self.config)
        return self.config["Name"]


class GlueCrawlerRunOperator(_GlueCrawlerBaseOperator):
    """Runs a crawler (Glue StartCrawler).

    :param crawler_name: Name of the crawler. (templated)
    :param poll_interval: Seconds between looks.
    :param wait_for_completion: Whether to wait until the crawl is done.
    :param deferrable: Whether to wait in the triggerer; implies waiting.
    :param fail_on_already_running: Whether it is an error that the crawler runs already; else the
        running crawl is waited for. A crawl that an earlier attempt of this task started is waited for
        in either case.
    :return: Name of the crawler.
    :raises JobFailedError: when the crawl failed, with its error message.
    """

    template_fields: Sequence[str] = aws_template_fields("crawler_name")

    def __init__(
        self,
        *,
        crawler_name: str,
        poll_interval: int = 5,
        wait_for_completion: bool = True,
        deferrable: bool = default_deferrable(),
        fail_on_already_running: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.poll_interval = poll_interval
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.fail_on_already_running = fail_on_already_running
        self.crawler_name = crawler_name

    def execute(self, context: Context) -> str:
        attempts = _DEFERRED_ATTEMPTS if self.deferrable else _ATTEMPTS
        job = Job(
            kind="glue_crawler",
            request={"Name": self.crawler_name},
            # A crawl that runs already is a retry's own; for a first attempt it is somebody else's.
            reuse=is_retry(context) or not self.fail_on_already_running,
            delay=self.poll_interval,
            timeout=self.poll_interval * attempts,
        )
        wait = self.wait_for_completion or self.deferrable
        return self.run_job(context, job, wait=wait, deferrable=self.deferrable)

    def job_done(self, context: Context, wait: Wait) -> str:
        if self.wait_for_completion or self.deferrable:
            try:
                self.hook.log_crawl(wait.ids[0])
            except MwaalibError as error:
                self.log.warning("No metrics of the crawl: %s", error)
        return wait.ids[0]


class GlueCrawlerDeleteOperator(_GlueCrawlerBaseOperator):
    """Deletes a crawler (Glue DeleteCrawler).

    :param crawler_name: Name of the crawler. (templated)
    """

    template_fields: Sequence[str] = aws_template_fields("crawler_name")

    def __init__(self, *, crawler_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.crawler_name = crawler_name

    def execute(self, context: Context) -> None:
        self.hook.conn.delete_crawler(Name=self.crawler_name)
        self.log.info("Deleted crawler %s", self.crawler_name)


class GlueCrawlerOperator(GlueCrawlerRunOperator):
    """Creates or updates a crawler, then runs it (Glue CreateCrawler, UpdateCrawler, StartCrawler).

    Deprecated by the incumbent in favour of the operators for each of these.

    :param config: Members of CreateCrawler. (templated)
    :param poll_interval: Seconds between looks.
    :param wait_for_completion: Whether to wait until the crawl is done.
    :param deferrable: Whether to wait in the triggerer; implies waiting.
    :param fail_on_already_running: Whether it is an error that the crawler runs already.
    :return: Name of the crawler.
    :raises JobFailedError: when the crawl failed, with its error message.
    """

    template_fields: Sequence[str] = aws_template_fields("config")

    def __init__(
        self,
        config: dict[str, Any],
        poll_interval: int = 5,
        wait_for_completion: bool = True,
        deferrable: bool = default_deferrable(),
        fail_on_already_running: bool = True,
        **kwargs: Any,
    ) -> None:
        warnings.warn(
            "GlueCrawlerOperator is deprecated. Use GlueCrawlerCreateOperator, GlueCrawlerUpdateOperator "
            "and GlueCrawlerRunOperator instead.",
            category=provider_deprecation_warning(),
            stacklevel=2,
        )
        super().__init__(
            crawler_name=config["Name"],
            poll_interval=poll_interval,
            wait_for_completion=wait_for_completion,
            deferrable=deferrable,
            fail_on_already_running=fail_on_already_running,
            **kwargs,
        )
        self.config = config

    def execute(self, context: Context) -> str:
        self.crawler_name = self.config["Name"]
        if not self.hook.has_crawler(self.crawler_name):
            self.hook.create_crawler(**self.config)
            return super().execute(context)
        try:
            self.hook.update_crawler(**self.config)
        except AwsError as error:
            tolerated = is_retry(context) or not self.fail_on_already_running
            if error.code != "CrawlerRunningException" or not tolerated:
                raise
            self.log.warning("Crawler %s runs already: it is not updated", self.crawler_name)
        return super().execute(context)
