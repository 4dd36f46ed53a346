"""The actions that the DAG's execution role needs, as ``setup/additional_policy.json`` grants them."""

from __future__ import annotations

from dataclasses import dataclass, field

CLUSTER = "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/j-MWAALIBCHECK"
MACHINE = "arn:{partition}:states:{region}:{account}:stateMachine:Movielens-Transform-job"
EXECUTION = "arn:{partition}:states:{region}:{account}:execution:Movielens-Transform-job:check"
TAGGED = {"elasticmapreduce:RequestTag/project": "mwaa-movielens"}
OWNED = {"elasticmapreduce:ResourceTag/project": "mwaa-movielens"}


@dataclass(frozen=True)
class Need:
    """Actions that the DAG takes on some resources.

    :param actions: IAM actions.
    :param resources: ARNs, with ``{partition}``, ``{region}``, ``{account}`` and ``{data_bucket}`` in them.
    :param conditions: context keys of the request and their values.
    :param why: what fails without them.
    :param optional: the DAG runs without them, and only does less.
    :param makes_role: they are needed only until this role exists.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str
    conditions: dict[str, str] = field(default_factory=dict)
    optional: bool = False
    makes_role: str = ""


def _passing(role: str, service: str) -> Need:
    return Need(
        ("iam:PassRole",),
        (f"arn:{{partition}}:iam::{{account}}:role/{role}",),
        "create_cluster cannot give the cluster its role",
        {"iam:PassedToService": service},
    )


NEEDS = (
    Need(
        ("elasticmapreduce:RunJobFlow", "elasticmapreduce:ListClusters"),
        ("*",),
        "create_cluster cannot start the cluster",
        TAGGED,
    ),
    Need(
        ("elasticmapreduce:AddTags", "elasticmapreduce:PutAutoTerminationPolicy"),
        (CLUSTER,),
        "create_cluster cannot tag the cluster or let it end when idle",
    ),
    Need(
        ("elasticmapreduce:DescribeCluster", "elasticmapreduce:DescribeStep", "elasticmapreduce:ListSteps"),
        (CLUSTER,),
        "the tasks cannot watch the cluster and its steps",
    ),
    Need(
        (
            "elasticmapreduce:AddJobFlowSteps",
            "elasticmapreduce:CancelSteps",
            "elasticmapreduce:TerminateJobFlows",
        ),
        (CLUSTER,),
        "the tasks cannot run steps or end the cluster",
        OWNED,
    ),
    _passing("EMR_DefaultRole", "elasticmapreduce.amazonaws.com"),
    _passing("EMR_EC2_DefaultRole", "ec2.amazonaws.com"),
    Need(
        ("iam:CreateServiceLinkedRole",),
        (
            "arn:{partition}:iam::{account}:role/aws-service-role/elasticmapreduce.amazonaws.com/"
            "AWSServiceRoleForEMRCleanup",
        ),
        "EMR cannot clean up after the account's first cluster",
        {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"},
        makes_role="AWSServiceRoleForEMRCleanup",
    ),
    Need(
        ("s3:GetObject",),
        ("arn:{partition}:s3:::{data_bucket}/logs/check",),
        "a failed step's log is not shown",
        optional=True,
    ),
    Need(
        ("s3:ListBucket",),
        ("arn:{partition}:s3:::{data_bucket}",),
        "a failed step's log is not found",
        {"s3:prefix": "logs/"},
        optional=True,
    ),
    Need(
        ("states:StartExecution", "states:ListExecutions"),
        (MACHINE,),
        "trigger_stepfunctions cannot start the state machine",
    ),
    Need(
        ("states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"),
        (EXECUTION,),
        "monitor_stepfunctions cannot watch the execution",
    ),
    Need(
        ("ssm:GetParameter",),
        ("arn:{partition}:ssm:{region}:{account}:parameter/mwaa/S3/DemoBucket",),
        "the DAG cannot read its parameters",
    ),
)
