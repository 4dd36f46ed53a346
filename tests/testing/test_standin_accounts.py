from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn, StandInError, until


def environment(bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": "airflow",
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "SourceBucketArn": f"arn:aws:s3:::{bucket}",
        "DagS3Path": "dags",
        "NetworkConfiguration": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
        **more,
    }


def test_an_mwaa_environment_is_made_updated_and_deleted(standin: StandIn) -> None:
    mwaa, s3 = standin.client("mwaa"), standin.client("s3")
    s3.create_bucket(Bucket="airflow")
    s3.put_bucket_versioning(Bucket="airflow", VersioningConfiguration={"Status": "Enabled"})
    first, second = (
        s3.put_object(Bucket="airflow", Key="plugins.zip", Body=body)["VersionId"] for body in (b"1", b"2")
    )

    def get() -> dict[str, Any]:
        return dict(mwaa.get_environment(Name="airflow")["Environment"])

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        get()
    plugins = {"PluginsS3Path": "plugins.zip", "PluginsS3ObjectVersion": first}
    mwaa.create_environment(**environment("airflow", **plugins))
    assert until(lambda: get()["Status"], lambda s: s == "AVAILABLE") == ["CREATING", "AVAILABLE"]
    with pytest.raises(ClientError, match="no such object version"):
        mwaa.update_environment(Name="airflow", PluginsS3ObjectVersion="none")
    mwaa.update_environment(Name="airflow", PluginsS3ObjectVersion=second)
    with pytest.raises(ClientError, match="Environment is UPDATING"):
        mwaa.update_environment(Name="airflow", PluginsS3ObjectVersion=first)
    until(lambda: get()["Status"], lambda s: s == "AVAILABLE")
    assert get()["PluginsS3ObjectVersion"] == second
    assert get()["LastUpdate"]["Status"] == "SUCCESS"
    standin.drive("mwaa_environment", "airflow", "UPDATE_FAILED", message="bad requirements")
    assert get()["LastUpdate"]["Error"]["ErrorMessage"] == "bad requirements"
    assert mwaa.list_environments()["Environments"] == ["airflow"]
    mwaa.delete_environment(Name="airflow")
    with pytest.raises(StandInError, match="no such environment"):
        standin.drive("mwaa_environment", "airflow", "AVAILABLE")


def simulate(
    standin: StandIn, statements: list[dict[str, Any]], action: str, resource: str, **context: str
) -> str:
    iam = standin.client("iam")
    name = "simulated"
    try:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    except ClientError:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    entries = [
        {"ContextKeyName": k.replace("__", ":"), "ContextKeyValues": [v], "ContextKeyType": "string"}
        for k, v in context.items()
    ]
    answer = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
    )
    (result,) = answer["EvaluationResults"]
    assert result["EvalActionName"] == action
    return str(result["EvalDecision"])


READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}
DENY = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret/*"}
PASS = {
    "Effect": "Allow",
    "Action": ["iam:PassRole"],
    "Resource": "*",
    "Condition": {"StringLike": {"iam:PassedToService": "elasticmapreduce*"}},
}


@pytest.mark.parametrize(
    ("action", "resource", "context", "decision"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/k", {}, "allowed"),
        ("S3:getobject", "arn:aws:s3:::b/k", {}, "allowed"),
        ("s3:GetObject", "arn:aws:s3:::c/k", {}, "implicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::b/k", {}, "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::b/secret/k", {}, "explicitDeny"),
        ("iam:PassRole", "*", {}, "implicitDeny"),
        ("iam:PassRole", "*", {"iam__PassedToService": "elasticmapreduce.amazonaws.com"}, "allowed"),
        ("iam:PassRole", "*", {"iam__PassedToService": "ec2.amazonaws.com"}, "implicitDeny"),
    ],
)
def test_policies_are_simulated(
    standin: StandIn, action: str, resource: str, context: dict[str, str], decision: str
) -> None:
    assert simulate(standin, [READ, DENY, PASS], action, resource, **context) == decision


def test_attached_policies_count_and_unknown_principals_do_not(standin: StandIn) -> None:
    iam = standin.client("iam")
    role = iam.create_role(RoleName="attached", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.attach_role_policy(RoleName="attached", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["s3:GetObject", "s3:PutObject"])
    assert [r["EvalDecision"] for r in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]
    with pytest.raises(ClientError, match="cannot be found"):
        iam.simulate_principal_policy(PolicySourceArn=f"{role}-none", ActionNames=["s3:GetObject"])
