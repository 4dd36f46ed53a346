"""Base of the operators and sensors: the parameters of the connection, and the hook made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from mwaalib.compat import NOTSET, ArgNotSet, BaseOperator
from mwaalib.hooks.base_aws import AwsGenericHook
from mwaalib.job import JobOperator

AwsHookType = TypeVar("AwsHookType", bound=AwsGenericHook)


@cache
def aws_template_fields(*template_fields: str) -> tuple[str, ...]:
    """Return template fields with those of the connection, in alphabetical order."""
    return tuple(sorted({"aws_conn_id", "region_name", "verify", *template_fields}))


class AwsHookMixin(JobOperator, Generic[AwsHookType]):
    """What operators and sensors share: the hook of `aws_hook_class`, made when first used."""

    aws_hook_class: type[AwsHookType]

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "config": self.botocore_config,
        }

    @cached_property
    def hook(self) -> AwsHookType:  # type: ignore[override]
        """The hook, made of the operator's parameters when first used."""
        return self.aws_hook_class(**self._hook_parameters)

    def _publish(self, link: Any, context: Any, **values: Any) -> None:
        link.persist(
            context=context,
            operator=self,
            region_name=self.hook.conn_region_name,
            aws_partition=self.hook.conn_partition,
            **values,
        )

    def _take_region(self, region_name: str | None, region: str | ArgNotSet | None) -> str | None:
        # `region` is the old name of `region_name`; Airflow's partial() needs to see it.
        return region_name if region is NOTSET or region_name else region  # type: ignore[return-value]


class AwsBaseOperator(AwsHookMixin[AwsHookType], BaseOperator):
    """Base of the operators.

    :param aws_conn_id: Airflow connection; None or empty means the default credential chain. An id
        that does not exist is an error, but for `aws_default`.
    :param region_name: Region; None means that of the connection, then of the environment.
    :param verify: Whether to check certificates, or the path of a CA file.
    :param botocore_config: Client options as dict: retries, time-outs, proxies.
    """

    template_fields: Sequence[str] = aws_template_fields()

    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        region: str | ArgNotSet | None = NOTSET,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = self._take_region(region_name, region)
        self.verify = verify
        self.botocore_config = botocore_config
