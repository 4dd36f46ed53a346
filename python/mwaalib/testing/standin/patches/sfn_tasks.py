"""Step Functions tasks: service integrations work as AWS's do.

moto names aws-sdk errors in lower case (``glue.CrawlerRunningException``), always fails
``glue:startJobRun.sync``, leaves times in outputs that cannot be written as JSON, does not
normalise request and response members (nested executions fail), makes boto3 clients in many
threads at once, and has no JSONata.
"""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

_BASE = "moto.stepfunctions.parser.asl"
_SERVICE = f"{_BASE}.component.state.exec.state_task.service"


def apply(runtime: Runtime) -> None:
    """Mend the tasks."""
    from importlib import import_module

    service = import_module(f"{_SERVICE}.state_task_service").StateTaskService
    callback = import_module(f"{_SERVICE}.state_task_service_callback").StateTaskServiceCallback
    aws_sdk = import_module(f"{_SERVICE}.state_task_service_aws_sdk").StateTaskServiceAwsSdk
    glue = import_module(f"{_SERVICE}.state_task_service_glue")
    resource = import_module(f"{_SERVICE}.resource")

    glue._SUPPORTED_INTEGRATION_PATTERNS.add(resource.ResourceCondition.WaitForTaskToken)
    name_service = aws_sdk._normalise_service_error_name
    aws_sdk._normalise_service_error_name = staticmethod(
        lambda name: (found := name_service(name))[:1].upper() + found[1:]
    )
    service._normalise_parameters = _normalise_parameters
    service._normalise_response = _normalise_response
    eval_sync = callback._eval_sync

    def plain_sync(self: Any, *args: Any, **kwargs: Any) -> Any:
        return plain(eval_sync(self, *args, **kwargs))

    callback._eval_sync = plain_sync
    _share_clients(import_module(f"{_BASE}.utils.boto_client"), runtime.endpoint)
    _jsonata(import_module(f"{_BASE}.jsonata.jsonata"))


def plain(value: Any) -> Any:
    """Return a response with its times as text, as JSON can hold them."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value


def _operation(task: Any, service_name: str | None, action: str | None) -> Any:
    from moto.core.utils import get_service_model
    from moto.stepfunctions.parser.utils import camel_to_snake_case

    try:
        model = get_service_model(task._get_boto_service_name(service_name))
    except Exception:  # not an AWS service boto knows
        return None
    wanted = task._get_boto_service_action(action)
    for name in model.operation_names:
        if camel_to_snake_case(name) == wanted:
            return model.operation_model(name)
    return None


def _normalise_parameters(
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.input_shape is not None:
        self._to_boto_request(parameters, operation.input_shape)


def _normalise_response(
    self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    if not isinstance(response, dict):
        return
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)
    for name in list(response):
        response[name] = plain(response[name])


def _share_clients(module: Any, endpoint: str) -> None:
    """Make each client once: boto3's default session must not be used by two threads at a time."""
    import boto3

    lock = threading.Lock()
    clients: dict[tuple[str, str], Any] = {}

    def client(**options: Any) -> Any:
        key = (options["service_name"], options["region_name"])
        with lock:
            if key not in clients:
                clients[key] = boto3.client(**{**options, "endpoint_url": endpoint})
            return clients[key]

    module.boto3 = SimpleNamespace(client=client)


def _jsonata(module: Any) -> None:
    try:
        from jsonata import jsonata
    except ImportError:  # machines without JSONata do not need it
        return
    module._eval_jsonata = lambda expression: jsonata.Jsonata(expression).evaluate(None)
