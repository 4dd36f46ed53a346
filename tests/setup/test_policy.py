"""The policy files, against what the DAG calls and against each other."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from typing import Any

SETUP = pathlib.Path(__file__).parents[2] / "setup"
DAG = SETUP.parent / "dags" / "mwaa_movielens_dag.py"

# What each operator may call, its waits in the triggerer, its diagnosis and its on_kill included.
CALLS = {
    "EmrCreateJobFlowOperator": [
        "RunJobFlow", "AddTags", "PutAutoTerminationPolicy", "ListClusters", "DescribeCluster",
    ],
    "EmrJobFlowSensor": ["DescribeCluster", "ListClusters"],
    "EmrAddStepsOperator": [
        "AddJobFlowSteps", "ListSteps", "DescribeStep", "DescribeCluster", "CancelSteps",
    ],
    "EmrTerminateJobFlowOperator": ["TerminateJobFlows", "DescribeCluster", "ListClusters"],
    "StepFunctionStartExecutionOperator": ["StartExecution", "DescribeExecution", "StopExecution"],
    "StepFunctionExecutionSensor": ["DescribeExecution", "ListExecutions", "GetExecutionHistory"],
}  # fmt: skip
PREFIX = {"Emr": "elasticmapreduce", "Ste": "states"}


def statements() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((SETUP / "additional_policy.json").read_text())["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowed() -> set[str]:
    return {action for statement in statements() for action in listed(statement["Action"])}


def test_every_operator_of_the_dag_may_do_its_work() -> None:
    used = set(re.findall(r"\b(\w+(?:Operator|Sensor))\(", DAG.read_text()))
    assert used == set(CALLS)
    needed = {f"{PREFIX[name[:3]]}:{call}" for name in used for call in CALLS[name]}
    others = {"iam:PassRole", "iam:CreateServiceLinkedRole", "ssm:GetParameter"}
    others |= {"s3:GetObject", "s3:ListBucket"}
    assert allowed() == needed | others


def test_nothing_is_granted_on_everything_but_what_has_no_resource() -> None:
    for statement in statements():
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            if resource == "*":
                assert statement["Action"] in ("elasticmapreduce:RunJobFlow", "elasticmapreduce:ListClusters")
            else:
                assert re.match(r"arn:aws:(s3:::<DataBucket>|[a-z]+:(<Region>)?:<AccountId>:)", resource), (
                    resource
                )
        assert not any("*" in action for action in listed(statement["Action"]))


def test_roles_are_passed_to_emr_alone() -> None:
    (statement,) = [s for s in statements() if s["Action"] == "iam:PassRole"]
    roles = {resource.rpartition("/")[2] for resource in statement["Resource"]}
    assert roles == {"EMR_DefaultRole", "EMR_EC2_DefaultRole"}
    patterns = statement["Condition"]["StringLike"]["iam:PassedToService"]
    assert not any(fnmatchcase("lambda.amazonaws.com", pattern) for pattern in patterns)
    template = (SETUP / "default-emr-roles.yaml").read_text()
    assert all(f"RoleName: {role}" in template for role in roles)


def test_the_tag_that_the_policy_asks_for_is_the_dags() -> None:
    # AddTags and PutAutoTerminationPolicy are part of RunJobFlow, on a cluster that has no tag yet. Who may tag any
    # cluster can make it the pipeline's own; that RunJobFlow asks for the tag keeps the honest from doing without.
    conditions = {
        statement["Sid"]: next(iter(statement["Condition"]["StringEquals"].items()))
        for statement in statements()
        if "StringEquals" in statement.get("Condition", {})
    }
    assert conditions == {
        "StartClusters": ("elasticmapreduce:RequestTag/project", "mwaa-movielens"),
        "UseClustersOfThePipeline": ("elasticmapreduce:ResourceTag/project", "mwaa-movielens"),
    }
    assert '{"Key": "project", "Value": "mwaa-movielens"}' in DAG.read_text()


def test_templates_are_clean() -> None:
    linter = pathlib.Path(sys.executable).with_name("cfn-lint")
    templates = [SETUP / "template.yaml", SETUP / "default-emr-roles.yaml"]
    done = subprocess.run([linter, *templates], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    # What CloudFormation takes as text; a larger template would have to lie in a bucket.
    assert all(template.stat().st_size < 51_200 for template in templates)
