"""The client in the shape of boto3's: which operations, times, pages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from mwaalib import connection
from mwaalib.exceptions import ConnectionSettingsError, RequestValidationError
from mwaalib.hooks._times import TIMES
from mwaalib.hooks.base_aws import AwsBaseHook
from mwaalib.hooks.emr import EmrHook
from mwaalib.hooks.glue import GlueJobHook
from support.stub import Stub

SERVICES = {"emr": "emr", "sfn": "stepfunctions", "glue": "glue", "ssm": "ssm", "logs": "logs"}


def offered(service: str) -> list[str]:
    path = Path(__file__).parents[2] / "core/shapes/generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.offered(service)  # type: ignore[no-any-return]


@pytest.mark.parametrize("service", SERVICES)
def test_boto3s_names_lead_to_the_operations(service: str) -> None:
    called: list[str] = []

    class Session:
        def call(self, service: str, operation: str, body: str) -> str:
            called.append(operation)
            return ""

    hook = AwsBaseHook(client_type=SERVICES[service])
    hook.__dict__["session"] = Session()
    for operation in offered(service):
        getattr(hook.conn, xform_name(operation))()
    assert called == offered(service)


@pytest.mark.parametrize(
    ("service", "method", "request_"),
    [
        ("emr", "list_instance_groups", {"ClusterId": "j-1"}),
        ("emr", "put_managed_scaling_policy", {"ClusterId": "j-1", "ManagedScalingPolicy": {}}),
        ("glue", "get_table", {"DatabaseName": "d", "Name": "t"}),
        ("glue", "batch_create_partition", {"DatabaseName": "d", "TableName": "t", "PartitionInputList": []}),
        ("stepfunctions", "send_task_success", {"taskToken": "t", "output": "{}"}),
        ("ssm", "delete_parameters", {"Names": ["/a"]}),
        ("logs", "describe_log_groups", {}),
    ],
)
def test_operations_besides_those_of_the_jobs(stub: Stub, service: str, method: str, request_: Any) -> None:
    reply = getattr(AwsBaseHook(client_type=service).conn, method)(**request_)
    assert reply == {"ResponseMetadata": {"HTTPStatusCode": 200}}
    assert stub.calls[0].body == request_


@pytest.mark.parametrize("service", SERVICES)
def test_table_of_times_is_botocores(service: str) -> None:
    """No time of a reply is missing in the table, and no name in it is that of another number."""
    model = botocore.session.get_session().get_service_model(SERVICES[service])
    times: set[str] = set()
    numbers: set[str] = set()

    def walk(shape: Any, seen: frozenset[str]) -> None:
        if shape.name in seen:
            return
        seen |= {shape.name}
        if shape.type_name == "structure":
            for member, inner in shape.members.items():
                if inner.type_name == "timestamp":
                    times.add(member)
                elif inner.type_name in ("integer", "long", "float", "double"):
                    numbers.add(member)
                walk(inner, seen)
        elif shape.type_name in ("list", "map"):
            walk(shape.member if shape.type_name == "list" else shape.value, seen)

    for operation in offered(service):
        output = model.operation_model(operation).output_shape
        if output is not None:
            walk(output, frozenset())
    assert times == set(TIMES.get(service, ()))
    assert not times & numbers


def test_what_is_newer_than_the_tables_is_sent_on_demand(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RequestValidationError, match="unknown_parameters = warn"):
        EmrHook().conn.describe_cluster(ClusterId="j-1", Depth=2)
    monkeypatch.setenv("AIRFLOW__MWAALIB__UNKNOWN_PARAMETERS", "warn")
    EmrHook().conn.describe_cluster(ClusterId="j-1", Depth=2)
    assert stub.calls[0].body == {"ClusterId": "j-1", "Depth": 2}
    assert "unknown parameter 'Depth'" in caplog.text
    monkeypatch.setenv("AIRFLOW__MWAALIB__UNKNOWN_PARAMETERS", "ignore")
    with pytest.raises(ConnectionSettingsError, match="unknown_parameters: expected refuse or warn"):
        connection.unknown_parameters()


@pytest.fixture
def pages(stub: Stub) -> Stub:
    """Three pages of two clusters."""

    def answer(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        page = int(body.get("Marker", 0))
        reply: dict[str, Any] = {"Clusters": [{"Id": f"j-{2 * page + n}"} for n in (0, 1)]}
        return reply | ({"Marker": str(page + 1)} if page < 2 else {})

    stub.answer = answer
    return stub


def walk(**config: Any) -> Any:
    return EmrHook().conn.get_paginator("list_clusters").paginate(PaginationConfig=config)


def ids(result: Any) -> list[str]:
    return [cluster["Id"] for page in result for cluster in page["Clusters"]]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 7])
def test_a_walk_that_is_broken_off_goes_on(pages: Stub, most: int) -> None:
    everything = [f"j-{n}" for n in range(6)]
    first = walk(MaxItems=most)
    assert ids(first) == everything[:most]
    assert len(pages.calls) == min((most + 1) // 2, 3)
    rest = ids(walk(StartingToken=first.resume_token)) if first.resume_token else []
    assert rest == everything[most:]


def test_botocores_token_and_awss_own_are_understood(pages: Stub) -> None:
    from botocore.paginate import TokenEncoder

    theirs = TokenEncoder().encode({"Marker": "1", "boto_truncate_amount": 1})
    assert ids(walk(StartingToken=theirs)) == ["j-3", "j-4", "j-5"]
    assert ids(walk(StartingToken="2")) == ["j-4", "j-5"]


def test_search_and_full_result(pages: Stub) -> None:
    assert list(walk().search("Clusters[].Id")) == [f"j-{n}" for n in range(6)]
    whole = walk(MaxItems=3).build_full_result()
    assert [cluster["Id"] for cluster in whole.pop("Clusters")] == ["j-0", "j-1", "j-2"]
    assert list(whole) == ["NextToken"]


def test_page_size(stub: Stub) -> None:
    list(
        GlueJobHook()
        .conn.get_paginator("get_job_runs")
        .paginate(JobName="j", PaginationConfig={"PageSize": 7})
    )
    assert stub.calls[0].body == {"JobName": "j", "MaxResults": 7}
    with pytest.raises(ValueError, match="no PageSize"):
        walk(PageSize=7)
    with pytest.raises(ValueError, match="MaxItem"):
        walk(MaxItem=7)


def test_a_stopped_run_is_an_end_to_the_hook(stub: Stub) -> None:
    import asyncio

    stub.answer = lambda operation, body: {"JobRun": {"Id": "r", "JobRunState": "STOPPED"}}
    hook = GlueJobHook(job_poll_interval=1)
    expected = {"JobRunState": "STOPPED", "JobRunId": "r"}
    assert hook.job_completion("j", "r") == expected
    assert asyncio.run(hook.async_job_completion("j", "r")) == expected


def test_the_connections_address_is_not_asked_who_one_is(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.answer = lambda operation, body: (
        f"<{operation}Response><{operation}Result><Arn>arn:me</Arn></{operation}Result></{operation}Response>"
    )
    monkeypatch.setenv(
        "AIRFLOW_CONN_VPCE", '{"conn_type": "aws", "extra": {"endpoint_url": "http://127.0.0.1:1"}}'
    )
    good, message = AwsBaseHook(aws_conn_id="vpce", client_type="emr").test_connection()
    assert good, message
