"""Crawls: they take their time, read what lies at their targets, and write the catalog."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.glue.catalog import CrawlError, crawl_target

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def _now() -> Any:
    from moto.core.utils import utcnow

    return utcnow()


class CrawlRun:
    """The work of one crawl, in a thread of its own.

    :param runtime: the stand-in's parts.
    :param crawler: moto's crawler.
    :param crawl: moto's crawl.
    """

    def __init__(self, runtime: Runtime, crawler: Any, crawl: Any) -> None:
        self._runtime = runtime
        self._crawler = crawler
        self._crawl = crawl
        self._cancelled = threading.Event()
        crawler.phase = "RUNNING"
        crawl.status = "RUNNING"

    def start(self) -> None:
        """Begin the crawl."""
        threading.Thread(target=self._live, name=f"crawl-{self._crawler.name}", daemon=True).start()

    def stop(self) -> None:
        """Stop the crawl as StopCrawler does."""
        self._crawler.phase = "STOPPING"
        self._cancelled.set()

    def drive(self, state: str, message: str) -> None:
        """Put the crawl where a test wants it: RUNNING or STOPPING, or ended SUCCEEDED, FAILED or CANCELLED."""
        self._crawl.driven = True
        if state in ("RUNNING", "STOPPING"):
            self._crawler.phase = state
            return
        self._end(state, message)
        self._crawler.phase = "READY"

    def _live(self) -> None:
        crawler, crawl = self._crawler, self._crawl
        began = time.monotonic()
        status, message = "SUCCEEDED", ""
        cancelled = self._cancelled.wait(self._runtime.settings.phase("crawler.running"))
        if not cancelled:
            try:
                self._work()
            except CrawlError as error:
                status, message = "FAILED", str(error)
            except Exception as error:  # the stand-in's own failure must not leave the crawler running
                status, message = "FAILED", f"Internal Service Exception: {type(error).__name__}: {error}"
        if self._cancelled.is_set():
            status = "CANCELLED"
        if getattr(crawl, "driven", False):
            return
        crawler.phase = "STOPPING"
        crawler.crawl_elapsed_time = round((time.monotonic() - began) * 1000)
        time.sleep(self._runtime.settings.phase("crawler.stopping"))
        if not getattr(crawl, "driven", False):
            self._end(status, message)
            crawler.phase = "READY"

    def _end(self, status: str, message: str) -> None:
        self._crawl.error_message = message or None
        self._crawl.end_time = _now()
        self._crawl.result = status
        self._crawl.status = {"SUCCEEDED": "COMPLETED", "CANCELLED": "STOPPED"}.get(status, status)
        region = self._crawler.backend.region_name
        text = f"[{self._crawl.crawl_id}] {'ERROR' if message else 'INFO'} : {message or status}"
        self._runtime.store.log(region, "/aws-glue/crawlers", self._crawler.name, text)

    def _work(self) -> None:
        crawler = self._crawler
        if crawler.database_name not in crawler.backend.databases:
            raise CrawlError(f"Database {crawler.database_name} not found.")
        targets = (crawler.targets or {}).get("S3Targets") or []
        if not targets:
            raise CrawlError("The stand-in crawls S3 targets only, and the crawler has none.")
        for target in targets:
            crawl_target(
                self._runtime.store,
                crawler.backend,
                crawler.database_name,
                target["Path"],
                crawler.table_prefix or "",
                crawler.name,
                target.get("Exclusions") or [],
            )


class Crawls:
    """All crawls of the stand-in.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._runs: dict[str, CrawlRun] = {}

    def begin(self, crawler: Any, crawl: Any) -> None:
        """Let a new crawl do its work."""
        run = CrawlRun(self._runtime, crawler, crawl)
        self._runs[crawler.arn] = run
        run.start()

    def get(self, crawler: Any) -> CrawlRun:
        """Return a crawler's latest crawl."""
        return self._runs[crawler.arn]
