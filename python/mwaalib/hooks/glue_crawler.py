"""Hook of AWS Glue's crawlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mwaalib.exceptions import AwsNotFoundError
from mwaalib.hooks.base_aws import AwsBaseHook

if TYPE_CHECKING:
    from mwaalib.hooks._client import Client


class GlueCrawlerHook(AwsBaseHook):
    """Talks to AWS Glue about crawlers. For the parameters see `AwsBaseHook`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "glue"
        super().__init__(*args, **kwargs)

    @property
    def glue_client(self) -> Client:
        """The client (the same as `conn`)."""
        return self.conn

    def has_crawler(self, crawler_name: str) -> bool:
        """Return whether a crawler exists (GetCrawler).

        :param crawler_name: Name of the crawler.
        """
        try:
            self.get_crawler(crawler_name)
        except AwsNotFoundError:
            return False
        return True

    def get_crawler(self, crawler_name: str) -> dict[str, Any]:
        """Return the description of a crawler (GetCrawler).

        :param crawler_name: Name of the crawler.
        """
        return self.conn.call("GetCrawler", {"Name": crawler_name})["Crawler"]

    def create_crawler(self, **crawler_kwargs: Any) -> dict[str, Any]:
        """Create a crawler (CreateCrawler).

        :param crawler_kwargs: Members of the request.
        """
        self.log.info("Creating crawler %s", crawler_kwargs["Name"])
        return self.conn.call("CreateCrawler", crawler_kwargs)

    def update_crawler(self, **crawler_kwargs: Any) -> bool:
        """Bring a crawler and its tags to the wanted configuration (UpdateCrawler, Tag-, UntagResource).

        :param crawler_kwargs: Members of the request, and `Tags`.
        :return: Whether anything differed.
        """
        name = crawler_kwargs["Name"]
        current = self.get_crawler(name)
        tags = crawler_kwargs.pop("Tags", None)
        tagged = self.update_tags(name, tags) if tags is not None else False
        changed = [key for key, value in crawler_kwargs.items() if _canonical(key, current.get(key)) != value]
        if not changed:
            return tagged
        self.log.info("Updating crawler %s: %s", name, ", ".join(changed))
        self.conn.call("UpdateCrawler", crawler_kwargs)
        return True

    def update_tags(self, crawler_name: str, crawler_tags: dict[str, str]) -> bool:
        """Bring the tags of a crawler to the wanted set (GetTags, TagResource, UntagResource).

        :param crawler_name: Name of the crawler.
        :param crawler_tags: The wanted tags; those missing here are removed.
        :return: Whether anything differed.
        """
        return update_tags(self, f"crawler/{crawler_name}", crawler_tags)

    def start_crawler(self, crawler_name: str) -> dict[str, Any]:
        """Start a crawl (StartCrawler).

        :param crawler_name: Name of the crawler.
        """
        self.log.info("Starting crawler %s", crawler_name)
        return self.conn.call("StartCrawler", {"Name": crawler_name})

    def wait_for_crawler_completion(self, crawler_name: str, poll_interval: int = 5) -> str:
        """Wait until a crawler is done.

        :param crawler_name: Name of the crawler.
        :param poll_interval: Seconds between looks.
        :return: Status of its last crawl.
        :raises JobFailedError: when the crawl failed.
        """
        found = self.wait("glue_crawler", [crawler_name], delay=poll_interval, timeout=poll_interval * 1000)
        self.log_crawl(crawler_name)
        return found[0]["state"]

    def log_crawl(self, crawler_name: str) -> None:
        """Log what the last crawl did (GetCrawlerMetrics).

        :param crawler_name: Name of the crawler.
        """
        reply = self.conn.call("GetCrawlerMetrics", {"CrawlerNameList": [crawler_name]})
        for metrics in reply.get("CrawlerMetricsList", []):
            self.log.info(
                "Crawler %s: %s tables created, %s updated, %s deleted; %s s, median %s s",
                crawler_name, metrics.get("TablesCreated"), metrics.get("TablesUpdated"),
                metrics.get("TablesDeleted"), metrics.get("LastRuntimeSeconds"),
                metrics.get("MedianRuntimeSeconds"),
            )  # fmt: skip


def update_tags(hook: AwsBaseHook, resource: str, tags: dict[str, str]) -> bool:
    """Bring the tags of a Glue resource to the wanted set (GetTags, TagResource, UntagResource).

    :param hook: Hook of the session.
    :param resource: Last part of its ARN, as `job/name`.
    :param tags: The wanted tags; those missing here are removed.
    :return: Whether anything differed.
    """
    arn = f"arn:{hook.conn_partition}:glue:{hook.conn_region_name}:{hook.account_id}:{resource}"
    current = hook.conn.call("GetTags", {"ResourceArn": arn}).get("Tags", {})
    add = {key: value for key, value in tags.items() if current.get(key) != value}
    remove = [key for key in current if key not in tags]
    if add:
        hook.log.info("Setting tags of %s: %s", resource, ", ".join(add))
        hook.conn.call("TagResource", {"ResourceArn": arn, "TagsToAdd": add})
    if remove:
        hook.log.info("Removing tags of %s: %s", resource, ", ".join(remove))
        hook.conn.call("UntagResource", {"ResourceArn": arn, "TagsToRemove": remove})
    return bool(add or remove)


def _canonical(key: str, value: Any) -> Any:
    # UpdateCrawler takes the schedule as text, GetCrawler gives a structure.
    return value.get("ScheduleExpression") if key == "Schedule" and isinstance(value, dict) else value
