"""SSM parameters in DAGs, read when a task renders its templates, never when a DAG file is parsed.

As an object, anywhere a template may stand:

    bucket = SsmParameter("/mwaa/S3/DemoBucket")
    StepFunctionStartExecutionOperator(state_machine_arn=SsmParameter("/mwaa/sfn/movielens"), ...)
    EmrAddStepsOperator(steps=[{"HadoopJarStep": {"Args": ["spark-submit", "s3://" + bucket + "/x.py"]}}])

or as a macro, after `DAG(user_defined_macros=ssm_macros())`:

    "s3://{{ ssm('/mwaa/S3/DemoBucket') }}/scripts"
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mwaalib.compat import NOTSET, ArgNotSet, ResolveMixin, is_arg_set

if TYPE_CHECKING:
    from mwaalib.compat import Context

# Values read by this process; a fork (every task is one) starts with none of its own.
_cache: dict[tuple[int, str, str | None, str | None], str] = {}


def parameter_value(
    name: str,
    aws_conn_id: str | None = "aws_default",
    region_name: str | None = None,
    default: str | ArgNotSet = NOTSET,
) -> str:
    """Return the value of a parameter (SSM GetParameter), asking AWS once per task.

    :param name: Name of the parameter, as `/mwaa/S3/DemoBucket`.
    :param aws_conn_id: Airflow connection; None means the default credential chain.
    :param region_name: Region; None means that of the connection.
    :param default: What to return if there is no such parameter; without it that is an error.
    """
    key = (os.getpid(), name, aws_conn_id, region_name)
    if key not in _cache:
        from mwaalib.hooks.ssm import SsmHook

        value = SsmHook(aws_conn_id=aws_conn_id, region_name=region_name).get_parameter_value(name, default)
        if value is default:
            return value
        _cache[key] = value
    return _cache[key]


class _Lazy(ResolveMixin):
    """A text that is read when a task renders it; `+` with texts gives another."""

    def iter_references(self) -> Iterable[Any]:
        """Yield the tasks this depends on: none."""
        return ()

    def resolve(self, context: Context, *args: Any, **kwargs: Any) -> str:
        """Return the text; called by Airflow when a task renders the field this stands in."""
        raise NotImplementedError

    def __add__(self, other: object) -> _Concatenation:
        if not isinstance(other, (str, _Lazy)):
            return NotImplemented
        return _Concatenation(self, other)

    def __radd__(self, other: object) -> _Concatenation:
        if not isinstance(other, str):
            return NotImplemented
        return _Concatenation(other, self)


class SsmParameter(_Lazy):
    """A parameter by its name; its value is read when a task renders the field it stands in.

    Goes into any template field, also deep inside dicts and lists, and joins with texts by `+`.
    Inside an f-string it becomes a template, which needs `ssm_macros` in the DAG.

    :param name: Name of the parameter, as `/mwaa/S3/DemoBucket`.
    :param aws_conn_id: Airflow connection; None means the default credential chain.
    :param region_name: Region; None means that of the connection.
    :param default: Value if there is no such parameter; without it that fails the task.
    """

    def __init__(
        self,
        name: str,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        default: str | ArgNotSet = NOTSET,
    ) -> None:
        self.name = name
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.default = default

    def resolve(self, context: Context, *args: Any, **kwargs: Any) -> str:
        """Return the parameter's value (SSM GetParameter), asking AWS once per task."""
        return parameter_value(self.name, self.aws_conn_id, self.region_name, self.default)

    def __str__(self) -> str:
        arguments = [repr(self.name)]
        if self.aws_conn_id != "aws_default":
            arguments.append(f"aws_conn_id={self.aws_conn_id!r}")
        if self.region_name is not None:
            arguments.append(f"region_name={self.region_name!r}")
        if is_arg_set(self.default):
            arguments.append(f"default={self.default!r}")
        return f"{{{{ ssm({', '.join(arguments)}) }}}}"

    def __repr__(self) -> str:
        return f"SsmParameter({self.name!r})"


class _Concatenation(_Lazy):
    """Texts and parameters, one after another."""

    def __init__(self, *parts: str | _Lazy) -> None:
        self.parts = parts

    def resolve(self, context: Context, *args: Any, **kwargs: Any) -> str:
        return "".join(part if isinstance(part, str) else part.resolve(context) for part in self.parts)

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)

    __repr__ = __str__


def ssm_macros() -> dict[str, Callable[..., str]]:
    """Return the macro `ssm`, for `DAG(user_defined_macros=ssm_macros())`.

    In a template: `{{ ssm('/mwaa/S3/DemoBucket') }}`; parameters as of `parameter_value`.
    """
    return {"ssm": parameter_value}
