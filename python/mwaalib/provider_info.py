"""What Airflow learns of this provider at start-up. Loads nothing native and no operator.

The `aws` connection type stays with the incumbent provider, whose connections are read as they are:
two providers of one type make Airflow warn.
"""

from __future__ import annotations

from typing import Any

_SERVICES = {
    "Amazon EMR": ("https://aws.amazon.com/emr/", "emr"),
    "AWS Step Functions": ("https://aws.amazon.com/step-functions/", "step_function"),
    "AWS Glue": ("https://aws.amazon.com/glue/", "glue"),
    "AWS Glue crawlers": ("https://aws.amazon.com/glue/", "glue_crawler"),
    "AWS Systems Manager": ("https://aws.amazon.com/systems-manager/", "ssm"),
}
_WITH_OPERATORS = ("emr", "step_function", "glue", "glue_crawler")


def _modules(kind: str, names: Any) -> list[dict[str, Any]]:
    return [
        {"integration-name": service, "python-modules": [f"mwaalib.{kind}.{module}"]}
        for service, (_, module) in _SERVICES.items()
        if module in names
    ]


def _option(kind: str, description: str, default: str | None, example: str | None = None) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": kind,
        "example": example,
        "default": default,
    }


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as `airflow providers` reads it by entry point."""
    return {
        "package-name": "mwaalib",
        "name": "mwaalib",
        "description": "Amazon EMR, Step Functions, Glue and Systems Manager, on a Rust core.",
        "integrations": [
            {"integration-name": service, "external-doc-url": url, "tags": ["aws"]}
            for service, (url, _) in _SERVICES.items()
        ],
        "operators": _modules("operators", _WITH_OPERATORS),
        "sensors": _modules("sensors", _WITH_OPERATORS),
        "hooks": _modules("hooks", (*_WITH_OPERATORS, "ssm")),
        "triggers": [{"integration-name": "Amazon EMR", "python-modules": ["mwaalib.triggers.wait"]}],
        "extra-links": [
            "mwaalib.links.emr.EmrClusterLink",
            "mwaalib.links.emr.EmrLogsLink",
            "mwaalib.links.glue.GlueJobRunDetailsLink",
            "mwaalib.links.step_function.StateMachineDetailsLink",
            "mwaalib.links.step_function.StateMachineExecutionsDetailsLink",
        ],
        "config": {
            "mwaalib": {
                "description": "Settings of the mwaalib provider.",
                "options": {
                    "unknown_parameters": _option(
                        "string",
                        "What becomes of members of a request that mwaalib does not know: `refuse`, or `warn` and "
                        "send\nthem, for what AWS has added since this version.\n",
                        "refuse",
                    ),
                    "deployment": _option(
                        "string",
                        "Name of this Airflow, different for all that run jobs in one AWS account: a retry then "
                        "never takes\nover the job of the same task elsewhere. Amazon MWAA sets AIRFLOW_ENV_NAME, "
                        "which is used without it.\n",
                        None,
                        "production",
                    ),
                    "budgets": _option(
                        "string",
                        "Calls that a process may make for its waits, by API, as JSON: so many at once, so "
                        "many a second.\nAn API that is not named keeps the rate that AWS documents.\n",
                        None,
                        '{"emr:DescribeStep": {"burst": 10, "refill": 0.5}}',
                    ),
                    "not_found_grace": _option(
                        "float", "Seconds during which a job may be unknown to AWS after its start.\n", "60"
                    ),
                    "jitter": _option(
                        "float", "By what part of itself a poll interval is shortened at random.\n", "0.1"
                    ),
                    "call_timeout": _option("float", "Seconds that one call of a wait may take.\n", "60"),
                    "diagnose_timeout": _option(
                        "float", "Seconds that looking for the cause of a failure may take.\n", "20"
                    ),
                    "concurrency": _option("integer", "Calls in flight for one group of waits.\n", "10"),
                },
            },
        },
    }
