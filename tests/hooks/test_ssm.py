"""SSM: the hook, and parameters in templates."""

from __future__ import annotations

import copy
import datetime
import pickle
from typing import Any

import pytest
from mwaalib import ssm
from mwaalib.exceptions import AwsNotFoundError
from mwaalib.hooks.ssm import SsmHook
from mwaalib.ssm import SsmParameter, ssm_macros
from support.task import context


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssm, "_cache", {})


@pytest.fixture
def parameters(aws: Any) -> Any:
    client = aws.client("ssm")
    client.put_parameter(Name="/mwaa/S3/DemoBucket", Value="my-bucket", Type="String", Overwrite=True)
    client.put_parameter(Name="/mwaa/secret", Value="open-sesame", Type="SecureString", Overwrite=True)
    return client


def test_value(parameters: Any) -> None:
    assert SsmHook().get_parameter_value("/mwaa/S3/DemoBucket") == "my-bucket"


def test_missing_parameter(parameters: Any) -> None:
    with pytest.raises(AwsNotFoundError, match="ParameterNotFound"):
        SsmHook().get_parameter_value("/none")
    assert SsmHook().get_parameter_value("/none", default="d") == "d"
    assert SsmHook().get_parameter_value("/none", default=None) is None


def test_secret_is_decrypted_and_masked(parameters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr("mwaalib.hooks.ssm.mask_secret", masked.append)
    assert SsmHook().get_parameter_value("/mwaa/secret") == "open-sesame"
    SsmHook().get_parameter_value("/mwaa/S3/DemoBucket")
    assert masked == ["open-sesame"]


def render(value: Any, **dag_args: Any) -> Any:
    from airflow.sdk import DAG, BaseOperator

    class Operator(BaseOperator):
        template_fields = ("value",)

        def __init__(self, value: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.value = value

    with DAG("d", start_date=datetime.datetime(2026, 1, 1), schedule=None, **dag_args):
        operator = Operator(task_id="t", value=value)
    copy.deepcopy(operator)
    operator.render_template_fields(context())
    return operator.value


def test_parameter_anywhere_in_a_template_field(parameters: Any) -> None:
    bucket = SsmParameter("/mwaa/S3/DemoBucket")
    value = {"a": ["s3://" + bucket + "/x", bucket], "b": "s3://" + bucket + "/" + bucket}
    assert render(value) == {"a": ["s3://my-bucket/x", "my-bucket"], "b": "s3://my-bucket/my-bucket"}


def test_parameter_in_a_text_with_the_macro(parameters: Any) -> None:
    bucket = SsmParameter("/mwaa/S3/DemoBucket")
    assert render(f"s3://{bucket}/x", user_defined_macros=ssm_macros()) == "s3://my-bucket/x"
    assert render("{{ ssm('/none', default='d') }}", user_defined_macros=ssm_macros()) == "d"


def test_missing_parameter_fails_the_task_not_the_parsing(parameters: Any) -> None:
    lazy = "s3://" + SsmParameter("/none")
    with pytest.raises(AwsNotFoundError):
        render(lazy)
    assert render(SsmParameter("/none", default="d")) == "d"


def test_one_call_per_task(parameters: Any) -> None:
    bucket = SsmParameter("/mwaa/S3/DemoBucket")
    assert bucket.resolve(context()) == "my-bucket"
    parameters.delete_parameter(Name="/mwaa/S3/DemoBucket")
    assert SsmParameter("/mwaa/S3/DemoBucket").resolve(context()) == "my-bucket"


def test_text_of_a_parameter_is_stable() -> None:
    """Airflow stores it with the DAG: a text with an address in memory would make a new version each time."""
    bucket = SsmParameter("/x", aws_conn_id="team", region_name="eu-west-1", default="d")
    assert str(bucket) == "{{ ssm('/x', aws_conn_id='team', region_name='eu-west-1', default='d') }}"
    assert str("s3://" + SsmParameter("/x") + "/y") == "s3://{{ ssm('/x') }}/y"
    assert str(pickle.loads(pickle.dumps(bucket))) == str(bucket)


def test_dag_with_parameters_serializes(aws: Any) -> None:
    from airflow.sdk import DAG
    from mwaalib.operators.step_function import StepFunctionStartExecutionOperator

    with DAG("d", start_date=datetime.datetime(2026, 1, 1), schedule=None) as dag:
        StepFunctionStartExecutionOperator(task_id="t", state_machine_arn=SsmParameter("/mwaa/sfn/movielens"))
    from airflow.serialization.serialized_objects import DagSerialization

    text = str(DagSerialization.to_dict(dag))
    assert "ssm('/mwaa/sfn/movielens')" in text
    assert " object at 0x" not in text
