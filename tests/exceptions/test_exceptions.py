"""Every error pickles, has a JSON form, and says what it knows."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys

import pytest
from airflow.exceptions import AirflowException, AirflowSensorTimeout
from mwaalib import exceptions
from mwaalib.exceptions import AwsError, AwsNotFoundError, JobFailedError, MwaalibError, from_dict

SAMPLES = [
    {"type": "AwsError", "service": "emr", "operation": "RunJobFlow", "code": "InternalServerError",
     "message": "m", "request_id": "r", "status": 500, "class": "Transient"},
    {"type": "AwsError", "service": "glue", "operation": "GetJob", "code": "EntityNotFoundException",
     "message": "m", "request_id": None, "status": 400, "class": "NotFound"},
    {"type": "AwsError", "service": "sfn", "operation": "StartExecution", "code": "odd code!",
     "message": "m", "request_id": None, "status": None, "class": "AccessDenied"},
    {"type": "RequestValidationError", "operation": "RunJobFlow", "path": "RunJobFlow.Name", "message": "m"},
    {"type": "ConnectionSettingsError", "message": "m"},
    {"type": "ConnectionNotFoundError", "message": "m"},
    {"type": "CredentialsError", "message": "m"},
    {"type": "JobFailedError", "kind": "emr_step", "id": "s-1", "state": "FAILED", "reason": "because",
     "cause": "Traceback", "logs": "s3://x", "console_url": "https://c", "detail": {"Id": "s-1"}},
    {"type": "UnknownStateError", "kind": "emr_step", "id": "s-1", "state": "NEW"},
    {"type": "WaitTimeoutError", "kind": "emr_step", "ids": ["s-1"], "states": ["PENDING"], "detail": "!"},
    {"type": "SensorTimeoutError", "kind": "emr_step", "ids": ["s-1"], "states": ["PENDING"], "detail": ""},
    {"type": "WaitCancelledError"},
    {"type": "InternalError", "message": "m"},
    {"type": "MwaalibError", "message": "m"},
]  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["type"] + sample.get("class", ""))
def test_json_and_pickle_keep_everything(sample: dict[str, object]) -> None:
    error = from_dict(sample)
    assert isinstance(error, AirflowException)
    for copy in (pickle.loads(pickle.dumps(error)), from_dict(json.loads(json.dumps(error.to_dict())))):
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert copy.to_dict() == error.to_dict()
    for name, value in sample.items():
        if name != "type":
            assert error.to_dict()[name] == value


def test_every_class_has_a_sample() -> None:
    classes = {
        name for name, cls in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(cls, MwaalibError) and cls.__module__ == exceptions.__name__
    }  # fmt: skip
    made = {cls.__name__ for sample in SAMPLES for cls in type(from_dict(sample)).__mro__}
    assert classes - made == {"AwsThrottlingError"}
    assert type(from_dict({**SAMPLES[0], "class": "Throttled"})).__mro__[2] is exceptions.AwsThrottlingError


def test_aws_error_can_be_caught_by_code_and_by_class() -> None:
    error = from_dict(SAMPLES[1])
    assert isinstance(error, AwsNotFoundError)
    assert isinstance(error, exceptions.aws_error_code("EntityNotFoundException"))
    assert not isinstance(error, exceptions.aws_error_code("ThrottlingException"))
    assert error.response["Error"] == {"Code": "EntityNotFoundException", "Message": "m"}
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_failed_job_says_why() -> None:
    text = str(from_dict(SAMPLES[7]))
    assert text.splitlines() == [
        "emr_step s-1 ended as FAILED: because", "cause: Traceback", "logs: s3://x", "console: https://c",
    ]  # fmt: skip


def test_sensor_timeout_is_airflows() -> None:
    assert isinstance(from_dict(SAMPLES[10]), AirflowSensorTimeout)


def test_what_a_newer_core_sends_is_kept() -> None:
    error = from_dict({"type": "QuotaError", "message": "m", "limit": 5})
    assert type(error) is MwaalibError
    assert "QuotaError" in str(error)
    assert "limit" in str(error)


def test_unknown_field_in_python_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="JobFailedError has no field stat"):
        JobFailedError(stat="FAILED")


def test_code_that_is_no_name_is_a_plain_error() -> None:
    assert isinstance(from_dict(SAMPLES[2]), AwsError)
    assert isinstance(from_dict(SAMPLES[2]), exceptions.AwsAccessDeniedError)
    assert from_dict(SAMPLES[2]).to_dict()["type"] == "AwsAccessDeniedError"


@pytest.mark.parametrize("sample", SAMPLES[:3], ids=lambda sample: sample["code"])
def test_aws_errors_are_botocores_where_it_is_imported(sample: dict[str, object]) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        raise from_dict(sample)
    assert caught.value.response["Error"]["Code"] == sample["code"]
    assert caught.value.operation_name == sample["operation"]
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ClientError)
    assert not isinstance(from_dict(SAMPLES[5]), ClientError)


def test_botocore_is_not_imported_for_it() -> None:
    code = (
        "import sys, pickle; from mwaalib.exceptions import from_dict; "
        f"error = from_dict({SAMPLES[1]!r}); assert 'botocore.exceptions' not in sys.modules; "
        "from botocore.exceptions import ClientError; assert not isinstance(error, ClientError); "
        "assert isinstance(pickle.loads(pickle.dumps(error)), ClientError)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
