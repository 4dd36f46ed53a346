"""Every class has the interface of its incumbent; what differs is in one table, with its reason."""

from __future__ import annotations

import importlib
import inspect
import warnings

import pytest

PAIRS = {
    "operators.emr": (
        "EmrCreateJobFlowOperator", "EmrAddStepsOperator", "EmrModifyClusterOperator",
        "EmrTerminateJobFlowOperator",
    ),
    "sensors.emr": ("EmrBaseSensor", "EmrJobFlowSensor", "EmrStepSensor"),
    "operators.step_function": (
        "StepFunctionStartExecutionOperator", "StepFunctionGetExecutionOutputOperator",
    ),
    "sensors.step_function": ("StepFunctionExecutionSensor",),
    "operators.glue": ("GlueJobOperator",),
    "sensors.glue": ("GlueJobSensor",),
    "operators.glue_crawler": (
        "GlueCrawlerOperator", "GlueCrawlerRunOperator", "GlueCrawlerCreateOperator",
        "GlueCrawlerUpdateOperator", "GlueCrawlerDeleteOperator",
    ),
    "sensors.glue_crawler": ("GlueCrawlerSensor",),
    "hooks.base_aws": ("AwsBaseHook", "AwsGenericHook"),
    "hooks.emr": ("EmrHook",),
    "hooks.glue": ("GlueJobHook",),
    "hooks.glue_crawler": ("GlueCrawlerHook",),
    "hooks.step_function": ("StepFunctionHook",),
    "hooks.ssm": ("SsmHook",),
    "links.emr": ("EmrClusterLink", "EmrLogsLink"),
    "links.glue": ("GlueJobRunDetailsLink",),
    "links.step_function": ("StateMachineDetailsLink", "StateMachineExecutionsDetailsLink"),
}  # fmt: skip
CLASSES = [(module, name) for module, names in PAIRS.items() for name in names]

# (class, parameter) that only mwaalib has -> why.
MORE_PARAMETERS = {
    (
        "StepFunctionStartExecutionOperator",
        "wait_for_completion",
    ): "waits in the worker; the incumbent cannot",
    ("StepFunctionExecutionSensor", "deferrable"): "every sensor can wait in the triggerer",
    ("GlueCrawlerSensor", "deferrable"): "every sensor can wait in the triggerer",
}

_BOTO3 = "belongs to boto3, which is not used"
_RESUMABLE = "the core finds a crashed attempt's run by its key instead"
# Public name that only the incumbent has -> why.
FEWER_NAMES = {
    "validate_attributes": "checks for authors of the incumbent's own operators",
    **dict.fromkeys(
        (
            "async_conn", "conn_client_meta", "conn_config", "get_async_conn", "get_client_type",
            "get_credentials", "get_resource_type", "get_session", "get_waiter", "list_waiters", "retry",
            "service_config", "waiter_path",
        ),
        _BOTO3,
    ),
    "logs_hook": "there is no hook of CloudWatch Logs, logs_client is its client",
    **dict.fromkeys(
        (
            "TASK_UUID_ARG", "TASK_UUID_SCAN_MAX_PAGES", "TASK_UUID_SCAN_PAGE_SIZE", "execute_resumable",
            "external_id_key", "get_job_result", "get_job_status", "is_job_active", "is_job_succeeded",
            "poll_until_complete", "submit_job",
        ),
        _RESUMABLE,
    ),
}  # fmt: skip


def pair(module: str, name: str) -> tuple[type, type]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(importlib.import_module(f"airflow.providers.amazon.aws.{module}"), name)
    return theirs, getattr(importlib.import_module(f"mwaalib.{module}"), name)


def parameters(cls: type) -> dict[str, tuple[str, object]]:
    found = inspect.signature(cls.__init__).parameters.items()
    return {name: (item.kind.name, item.default) for name, item in found}


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_parameters_and_defaults(module: str, name: str) -> None:
    theirs, ours = map(parameters, pair(module, name))
    more = {parameter for cls, parameter in MORE_PARAMETERS if cls == name}
    assert more <= set(ours) - set(theirs), "the table names what is not so"
    assert {key: value for key, value in ours.items() if key not in more} == theirs


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_class_attributes(module: str, name: str) -> None:
    theirs, ours = pair(module, name)
    for attribute in (
        "template_ext", "template_fields_renderers", "ui_color", "ui_fgcolor", "name", "key", "format_str",
        "conn_name_attr", "default_conn_name", "conn_type", "hook_name",
    ):  # fmt: skip
        assert getattr(ours, attribute, None) == getattr(theirs, attribute, None), attribute
    assert tuple(getattr(ours, "template_fields", ())) == tuple(getattr(theirs, "template_fields", ()))


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_console_links(module: str, name: str) -> None:
    theirs, ours = pair(module, name)

    def links(cls: type) -> list[tuple[str, str, str]]:
        return [
            (type(link).__name__, link.name, link.key) for link in getattr(cls, "operator_extra_links", ())
        ]

    assert links(ours) == links(theirs)


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_public_names(module: str, name: str) -> None:
    theirs, ours = pair(module, name)
    missing = {item for item in dir(theirs) if not item.startswith("_")} - set(dir(ours))
    assert missing <= set(FEWER_NAMES)


@pytest.mark.parametrize(
    ("module", "name"),
    [item for item in CLASSES if item[0].startswith("hooks.") and item[1] != "AwsGenericHook"],
)
def test_hook_methods_take_the_same_arguments(module: str, name: str) -> None:
    theirs, ours = pair(module, name)
    checked = 0
    for method, function in vars(theirs).items():
        if method.startswith("_") or not inspect.isfunction(function) or method in FEWER_NAMES:
            continue
        checked += 1
        expected = {
            key: (value.kind, value.default) for key, value in inspect.signature(function).parameters.items()
        }
        found = inspect.signature(getattr(ours, method)).parameters.items()
        assert {key: (value.kind, value.default) for key, value in found} == expected, method
    assert checked or name == "AwsBaseHook"


def test_wait_policy_is_the_incumbents() -> None:
    theirs, ours = pair("utils.waiter", "WaitPolicy")
    assert {item.name: item.value for item in ours} == {item.name: item.value for item in theirs}
