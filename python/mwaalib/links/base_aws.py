"""Links into the AWS console: stored as XCom when a job starts, shown by the web server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from mwaalib.compat import BaseOperator, BaseOperatorLink, xcom_value

if TYPE_CHECKING:
    from mwaalib.compat import Context, TaskInstanceKey

BASE_AWS_CONSOLE_LINK = "https://console.{aws_domain}"

_DOMAINS = {"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}

log = logging.getLogger(__name__)


class BaseAwsLink(BaseOperatorLink):
    """Base of the links into the AWS console."""

    name: ClassVar[str]  # type: ignore[misc]
    key: ClassVar[str]
    format_str: ClassVar[str]

    @staticmethod
    def get_aws_domain(aws_partition: str) -> str | None:
        """Return the console's domain in a partition, or None where it has no public one."""
        return _DOMAINS.get(aws_partition)

    def format_link(self, **kwargs: Any) -> str:
        """Return the address, or an empty text when a part of it is missing."""
        try:
            return self.format_str.format(**kwargs)
        except KeyError:
            return ""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address for one task instance, empty when it stored none."""
        try:
            stored = xcom_value(self.key, ti_key)
            return self.format_link(**stored) if stored else ""
        except Exception:  # a link must never break a page or a finished task
            log.exception("The link %r could not be made", self.name)
            return ""

    @classmethod
    def persist(
        cls,
        context: Context,
        operator: BaseOperator,
        region_name: str | None,
        aws_partition: str,
        **kwargs: Any,
    ) -> None:
        """Store what the link needs as an XCom of the running task."""
        if not operator.do_xcom_push:
            return
        value = {"region_name": region_name, "aws_domain": cls.get_aws_domain(aws_partition), **kwargs}
        try:
            context["ti"].xcom_push(key=cls.key, value=value)
        except Exception:  # losing a link is no reason to lose the job
            log.exception("The link %r could not be stored", cls.name)
