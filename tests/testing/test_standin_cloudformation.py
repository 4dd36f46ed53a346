from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mwaalib.testing.process import StandIn

TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {
        "Suffix": {"Type": "String", "AllowedPattern": "[a-z]+"},
        "Workers": {"Type": "Number", "Default": 2, "MinValue": 2, "MaxValue": 9},
    },
    "Resources": {
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": {"Fn::Sub": "machine-${Suffix}"},
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DefinitionString": {
                    "Fn::Sub": '{"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${Job}", '
                    '"End": true}}}'
                },
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "glue.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"],
                "Policies": [
                    {
                        "PolicyName": "p",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
                        },
                    }
                ],
            },
        },
        "Database": {
            "Type": "AWS::Glue::Database",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseInput": {"Name": {"Fn::Sub": "db-${Suffix}"}},
            },
        },
        "Job": {
            "Type": "AWS::Glue::Job",
            "Properties": {
                "Name": {"Fn::Sub": "job-${Suffix}"},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/s.py"},
                "NumberOfWorkers": {"Ref": "Workers"},
                "DefaultArguments": {"--minimum": 1},
            },
        },
        "Crawler": {
            "Type": "AWS::Glue::Crawler",
            "Properties": {
                "Name": {"Fn::Sub": "crawler-${Suffix}"},
                "Role": {"Ref": "Role"},
                "DatabaseName": {"Ref": "Database"},
                "Targets": {"S3Targets": [{"Path": "s3://b/t/"}]},
            },
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Name": {"Fn::Sub": "/p/${Suffix}"},
                "Type": "String",
                "Value": {"Ref": "Machine"},
            },
        },
    },
    "Outputs": {"MachineArn": {"Value": {"Ref": "Machine"}}, "JobName": {"Value": {"Ref": "Job"}}},
}


def aws(standin: StandIn, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("aws")
    return subprocess.run(
        [str(program), *arguments],
        env={**os.environ, **standin.environment()},
        capture_output=True,
        text=True,
        check=False,
    )


def deploy(
    standin: StandIn, path: Path, template: dict[str, Any], stack: str, *more: str, **parameters: str
) -> subprocess.CompletedProcess[str]:
    path.write_text(json.dumps(template))
    overrides = [f"{name}={value}" for name, value in parameters.items()]
    return aws(
        standin, "cloudformation", "deploy", "--stack-name", stack, "--template-file", str(path),
        "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", *overrides, *more,
    )  # fmt: skip


def describe(standin: StandIn, stack: str) -> dict[str, Any]:
    return dict(standin.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0])


def outputs(standin: StandIn, stack: str) -> dict[str, str]:
    return {o["OutputKey"]: o["OutputValue"] for o in describe(standin, stack).get("Outputs", [])}


def reasons(standin: StandIn, stack: str) -> dict[str, str]:
    events = standin.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return {
        e["LogicalResourceId"]: e["ResourceStatusReason"] for e in events if "FAILED" in e["ResourceStatus"]
    }


def test_deploy_makes_everything_then_updates_what_changed_then_nothing(
    standin: StandIn, tmp_path: Path
) -> None:
    path, glue = tmp_path / "t.json", standin.client("glue")
    standin.client("s3").create_bucket(Bucket="templates")
    bucket = ("--s3-bucket", "templates")
    made = deploy(standin, path, TEMPLATE, "full", *bucket, Suffix="one")
    assert made.returncode == 0, made.stdout + made.stderr
    assert describe(standin, "full")["StackStatus"] == "CREATE_COMPLETE"
    arn = outputs(standin, "full")["MachineArn"]
    assert outputs(standin, "full")["JobName"] == "job-one"
    assert (
        standin.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["name"] == "machine-one"
    )
    assert standin.client("ssm").get_parameter(Name="/p/one")["Parameter"]["Value"] == arn
    job = glue.get_job(JobName="job-one")["Job"]
    assert (job["NumberOfWorkers"], job["DefaultArguments"]) == (2, {"--minimum": "1"})
    assert glue.get_crawler(Name="crawler-one")["Crawler"]["DatabaseName"] == "db-one"
    role = job["Role"].rsplit("/")[-1]
    attached = standin.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["AWSGlueServiceRole"]

    again = deploy(standin, path, TEMPLATE, "full", "--no-fail-on-empty-changeset", Suffix="one")
    assert again.returncode == 0
    assert "No changes to deploy" in again.stdout

    only_parameter = deploy(standin, path, TEMPLATE, "full", Suffix="one", Workers="5")
    assert only_parameter.returncode == 0, only_parameter.stderr
    assert glue.get_job(JobName="job-one")["Job"]["NumberOfWorkers"] == 5
    assert describe(standin, "full")["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(standin, "full")["MachineArn"] == arn

    changed = copy.deepcopy(TEMPLATE)
    del changed["Resources"]["Crawler"]
    changed["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyName"] = "q"
    changed["Resources"]["Machine"]["Properties"]["DefinitionString"] = (
        '{"StartAt": "W", "States": {"W": {"Type": "Succeed"}}}'
    )
    updated = deploy(standin, path, changed, "full", Suffix="one", Workers="5")
    assert updated.returncode == 0, updated.stderr
    assert standin.client("iam").list_role_policies(RoleName=role)["PolicyNames"] == ["q"]
    definition = standin.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
    assert "Succeed" in definition
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_crawler(Name="crawler-one")

    assert aws(standin, "cloudformation", "delete-stack", "--stack-name", "full").returncode == 0
    with pytest.raises(ClientError, match="does not exist"):
        describe(standin, "full")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_job(JobName="job-one")
    assert standin.client("stepfunctions").list_state_machines()["stateMachines"] == []


def test_update_stack_without_changes_is_refused(standin: StandIn) -> None:
    cfn = standin.client("cloudformation")
    given: Any = {
        "StackName": "same",
        "TemplateBody": json.dumps(TEMPLATE),
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": "Suffix", "ParameterValue": "same"}],
    }
    cfn.create_stack(**given)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cfn.update_stack(**given)


@pytest.mark.parametrize("kind", ["AWS::MWAA::Environment", "AWS::No::SuchThing"])
def test_an_unsupported_type_fails_the_stack_and_leaves_nothing(
    standin: StandIn, tmp_path: Path, kind: str
) -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Other"] = {"Type": kind, "DependsOn": "Parameter", "Properties": {}}
    failed = deploy(standin, tmp_path / "t.json", template, "unsupported", Suffix="unsupported")
    assert failed.returncode != 0
    assert describe(standin, "unsupported")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert kind in reasons(standin, "unsupported")["Other"]
    assert (
        standin.client("ssm").describe_parameters(
            ParameterFilters=[{"Key": "Name", "Values": ["/p/unsupported"]}]
        )["Parameters"]
        == []
    )
    second = deploy(standin, tmp_path / "t.json", TEMPLATE, "unsupported", Suffix="unsupported")
    assert "ROLLBACK_COMPLETE state and can not be updated" in second.stderr
    standin.client("cloudformation").delete_stack(StackName="unsupported")


def test_a_failed_update_goes_back(standin: StandIn, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    assert deploy(standin, path, TEMPLATE, "back", Suffix="back").returncode == 0
    broken = copy.deepcopy(TEMPLATE)
    broken["Resources"]["Job"]["Properties"]["NumberOfWorkers"] = 7
    broken["Resources"]["Machine"]["Properties"]["DefinitionString"] = '{"StartAt": "None"}'
    assert deploy(standin, path, broken, "back", Suffix="back").returncode != 0
    assert describe(standin, "back")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Machine" in reasons(standin, "back")
    assert standin.client("glue").get_job(JobName="job-back")["Job"]["NumberOfWorkers"] == 2


def test_capabilities_and_parameters_are_checked(standin: StandIn) -> None:
    cfn = standin.client("cloudformation")
    body = json.dumps(TEMPLATE)

    def create(**parameters: str) -> None:
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
        cfn.create_stack(
            StackName="checked", TemplateBody=body, Parameters=given, Capabilities=["CAPABILITY_IAM"]
        )

    with pytest.raises(ClientError, match=r"InsufficientCapabilities.*CAPABILITY_IAM"):
        cfn.create_stack(StackName="checked", TemplateBody=body)
    with pytest.raises(ClientError, match="must have values"):
        create()
    with pytest.raises(ClientError, match="must match pattern"):
        create(Suffix="UPPER")
    with pytest.raises(ClientError, match="between 2 and 9"):
        create(Suffix="x", Workers="10")
    with pytest.raises(ClientError, match="do not exist in the template"):
        create(Suffix="x", Other="y")
    with pytest.raises(ClientError, match="does not exist"):
        describe(standin, "checked")


def test_a_function_in_a_stack_is_updated(standin: StandIn, tmp_path: Path) -> None:
    def zipped(text: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("f.py", f"def handler(event, context):\n    return {text!r}\n")
        return buffer.getvalue()

    s3, invoke = standin.client("s3"), standin.client("lambda").invoke
    s3.create_bucket(Bucket="code")
    template: dict[str, Any] = {
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "updated",
                    "Runtime": "python3.12",
                    "Handler": "f.handler",
                    "Role": "arn:aws:iam::123456789012:role/r",
                    "Code": {"S3Bucket": "code", "S3Key": "one"},
                },
            },
            "L": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/l", "RetentionInDays": 7}},
        }
    }
    standin.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    for key, days in (("one", 7), ("two", 30)):
        s3.put_object(Bucket="code", Key=key, Body=zipped(key))
        template["Resources"]["F"]["Properties"]["Code"]["S3Key"] = key
        template["Resources"]["L"]["Properties"]["RetentionInDays"] = days
        result = aws(
            standin, "cloudformation", "deploy", "--stack-name", "function", "--template-file",
            _written(tmp_path, template),
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert json.loads(invoke(FunctionName="updated")["Payload"].read()) == key
        groups = standin.client("logs").describe_log_groups(logGroupNamePrefix="/l")["logGroups"]
        assert groups[0]["retentionInDays"] == days


def _written(folder: Path, template: dict[str, Any]) -> str:
    (folder / "template.json").write_text(json.dumps(template))
    return str(folder / "template.json")
