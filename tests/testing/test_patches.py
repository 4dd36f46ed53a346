"""Runs moto without the stand-in's patches: a test fails as soon as moto no longer needs one."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from mwaalib.testing.standin import patches

ROLE = "arn:aws:iam::123456789012:role/r"
ASSUME = {"Version": "2012-10-17", "Statement": []}


def still(defect: bool, moto_now: str, patch: str) -> None:
    """Fail when a defect is gone."""
    assert defect, f"moto {moto.__version__} now {moto_now}: drop that from standin/patches/{patch}.py"


@pytest.fixture(autouse=True)
def unpatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


def client(service: str) -> Any:
    return boto3.session.Session(region_name="us-east-1").client(service)


def fails(call: Any, *errors: type[BaseException], **given: Any) -> bool:
    try:
        call(**given)
    except BaseException as error:
        if isinstance(error, errors or NotImplementedError):
            return True
        raise
    return False


def test_every_patch_has_a_test_here() -> None:
    here = Path(__file__).read_text()
    assert [name for name in patches.PATCHES if f'"{name}")' not in here] == []


def start_cluster(**more: Any) -> str:
    steps = [{"Name": n, "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}} for n in "ab"]
    instances = {"MasterInstanceType": "m5.xlarge", "KeepJobFlowAliveWhenNoSteps": False}
    answer = client("emr").run_job_flow(
        Name="n", ReleaseLabel="emr-7.9.0", Instances=instances, Steps=steps, **more
    )
    return str(answer["JobFlowId"])


def test_emr_states_do_not_change() -> None:
    cluster = start_cluster()
    state = client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["State"]
    still(state != "STARTING", "starts clusters in STARTING", "emr")
    time.sleep(0.5)
    steps = client("emr").list_steps(ClusterId=cluster)["Steps"]
    ended = [s for s in steps if s["Status"]["State"] in ("COMPLETED", "FAILED")]
    still(not ended, "ends steps", "emr")


def test_emr_failure_details_are_not_serialised() -> None:
    from moto.emr.models import emr_backends

    cluster = start_cluster()
    step = emr_backends["123456789012"]["us-east-1"].clusters[cluster].steps[0]
    step.state, step.failure_details = "FAILED", {"Reason": "r", "Message": "m"}
    status = client("emr").describe_step(ClusterId=cluster, StepId=step.id)["Step"]["Status"]
    still("FailureDetails" not in status, "serialises FailureDetails", "emr")


def test_emr_unknown_ids_and_cancel_steps() -> None:
    emr = client("emr")
    steps: Any = {"JobFlowId": "j-NONE", "Steps": []}
    still(fails(emr.add_job_flow_steps, KeyError, **steps), "names an unknown cluster", "emr")
    still(fails(emr.cancel_steps, ClusterId="j-NONE", StepIds=["s-X"]), "has CancelSteps", "emr")
    cluster = start_cluster(AutoTerminationPolicy={"IdleTimeout": 60})
    still(fails(emr.get_auto_termination_policy, ClusterId=cluster), "has auto-termination", "emr")


def make_job(name: str) -> Any:
    glue = client("glue")
    glue.create_job(Name=name, Role=ROLE, Command={"Name": "glueetl", "ScriptLocation": "s3://b/s.py"})
    return glue


def test_glue_jobs_succeed_unrun() -> None:
    glue = make_job("j")
    first = glue.start_job_run(JobName="j")["JobRunId"]
    run = glue.get_job_run(JobName="j", RunId=first)["JobRun"]
    still(run["JobRunState"] == "SUCCEEDED", "does not end runs at once", "glue_jobs")
    still(run["ExecutionTime"] == 123, "measures ExecutionTime", "glue_jobs")
    glue.start_job_run(JobName="j")
    runs = [r["Id"] for r in glue.get_job_runs(JobName="j")["JobRuns"]]
    still(runs[0] == first, "lists the newest run first", "glue_jobs")


def test_glue_job_calls_that_are_missing() -> None:
    glue = make_job("j")
    update: Any = {"JobName": "j", "JobUpdate": {"Role": ROLE}}
    still(fails(glue.update_job, **update), "has UpdateJob", "glue_jobs")
    stop: Any = {"JobName": "j", "JobRunIds": ["jr_x"]}
    still(fails(glue.batch_stop_job_run, **stop), "has BatchStopJobRun", "glue_jobs")
    still(not fails(make_job, ClientError, name="j"), "refuses a second job of a name", "glue_jobs")


def test_glue_crawlers_stay_running_and_make_no_tables() -> None:
    glue, s3 = client("glue"), client("s3")
    s3.create_bucket(Bucket="crawled")
    s3.put_object(Bucket="crawled", Key="t/a.csv", Body=b"a\n1\n")
    glue.create_database(DatabaseInput={"Name": "db"})
    target: Any = {"S3Targets": [{"Path": "s3://crawled/t/"}]}
    glue.create_crawler(Name="c", Role=ROLE, DatabaseName="db", Targets=target)
    glue.start_crawler(Name="c")
    time.sleep(0.5)
    crawler = glue.get_crawler(Name="c")["Crawler"]
    still(crawler["State"] == "RUNNING", "ends crawls", "glue_crawlers")
    still(glue.get_tables(DatabaseName="db")["TableList"] == [], "makes tables", "glue_crawlers")
    still(fails(glue.update_crawler, Name="c"), "has UpdateCrawler", "glue_crawlers")
    still(fails(glue.get_crawler_metrics), "has GetCrawlerMetrics", "glue_crawlers")
    first = glue.list_crawls(CrawlerName="c")["Crawls"][0]["CrawlId"]
    glue.start_crawler(Name="c")
    crawls = glue.list_crawls(CrawlerName="c", MaxResults=1)["Crawls"]
    still(crawls[0]["CrawlId"] == first, "lists the newest crawl first", "glue_crawlers")
    still(len(crawls) > 1, "heeds MaxResults of ListCrawls", "glue_crawlers")


def test_glue_crawls_tell_no_end() -> None:
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "ended"})
    glue.create_crawler(
        Name="e", Role=ROLE, DatabaseName="ended", Targets={"S3Targets": [{"Path": "s3://b/"}]}
    )
    glue.start_crawler(Name="e")
    crawls = glue.list_crawls(CrawlerName="e")["Crawls"]  # ends it, in moto
    last = glue.get_crawler(Name="e")["Crawler"].get("LastCrawl", {})
    still(last.get("Status") != "SUCCEEDED", "gives a LastCrawl its Status", "glue_crawlers")
    # The start in milliseconds, as an SDK of AWS sends it.
    text = str(int(crawls[0]["StartTime"].timestamp() * 1000))
    later: Any = [{"FieldName": "START_TIME", "FilterOperator": "GT", "FieldValue": text}]
    found = glue.list_crawls(CrawlerName="e", Filters=later)["Crawls"]
    still(len(found) == 1, "compares the times of crawls as times", "glue_crawlers")


def test_lambda_needs_docker() -> None:
    from moto.awslambda.models import LambdaFunction

    source = inspect.getsource(LambdaFunction._invoke_lambda)
    still("docker_client.containers.run" in source, "runs functions without Docker", "lambda_functions")
    still('"Handled"' in inspect.getsource(LambdaFunction.invoke), "tells Unhandled", "lambda_functions")


def one_state(**state: Any) -> str:
    state.setdefault("Type", "Task")
    return json.dumps({"StartAt": "S", "States": {"S": {**state, "End": True}}})


def execute(definition: str, **given: Any) -> str:
    sfn = client("stepfunctions")
    name = f"m{time.monotonic_ns()}"
    machine = sfn.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    return str(sfn.start_execution(stateMachineArn=machine, **given)["executionArn"])


def ended(arn: str) -> Any:
    sfn = client("stepfunctions")
    for _ in range(200):
        described = sfn.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.05)
    raise AssertionError("never ended")


def test_unnamed_executions_are_named_none() -> None:
    arn = execute(one_state(Type="Pass"))
    still(arn.endswith(":None"), "names unnamed executions", "sfn_executions")


def test_a_stopped_execution_loses_its_cause() -> None:
    arn = execute(one_state(Type="Wait", Seconds=60), name="stopped")
    client("stepfunctions").stop_execution(executionArn=arn, error="E", cause="C")
    still("cause" not in ended(arn), "keeps the cause of StopExecution", "sfn_executions")


def test_a_timed_out_execution_has_no_stop_date() -> None:
    definition = json.loads(one_state(Type="Wait", Seconds=60)) | {"TimeoutSeconds": 1}
    done = ended(execute(json.dumps(definition), name="late"))
    assert done["status"] == "TIMED_OUT"
    still("stopDate" not in done, "gives a TIMED_OUT execution its stopDate", "sfn_executions")


def test_history_has_one_order_and_one_page() -> None:
    arn = execute(one_state(Type="Pass"), name="history")
    ended(arn)
    events = client("stepfunctions").get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)[
        "events"
    ]
    still(events[0]["type"] == "ExecutionStarted", "heeds reverseOrder", "sfn_executions")
    still(len(events) > 1, "heeds maxResults", "sfn_executions")


def test_a_time_in_the_output_cannot_be_described() -> None:
    client("ssm").put_parameter(Name="p", Value="v", Type="String")
    task = one_state(Resource="arn:aws:states:::aws-sdk:ssm:getParameter", Parameters={"Name": "p"})
    still(fails(ended, TypeError, arn=execute(task, name="time")), "writes times as JSON", "sfn_executions")


def test_sdk_error_names_are_in_lower_case() -> None:
    task = one_state(Resource="arn:aws:states:::aws-sdk:glue:startCrawler", Parameters={"Name": "none"})
    error = ended(execute(task, name="error"))["error"]
    still(error.startswith("glue."), "names sdk errors as AWS does", "sfn_tasks")


def test_waiting_for_a_glue_job_fails() -> None:
    make_job("synced")
    task = one_state(Resource="arn:aws:states:::glue:startJobRun.sync", Parameters={"JobName": "synced"})
    done = ended(execute(task, name="sync"))
    still(done["status"] == "FAILED", "runs glue:startJobRun.sync", "sfn_tasks")
    assert "interrupt_all" in done["cause"]


def test_nested_executions_fail() -> None:
    inner = client("stepfunctions").create_state_machine(
        name="inner", definition=one_state(Type="Pass"), roleArn=ROLE
    )["stateMachineArn"]
    resource = "arn:aws:states:::states:startExecution.sync:2"
    done = ended(execute(one_state(Resource=resource, Parameters={"StateMachineArn": inner}), name="outer"))
    still(done["status"] == "FAILED", "runs nested executions", "sfn_tasks")


def test_clients_are_made_by_every_thread() -> None:
    from moto.stepfunctions.parser.asl.utils import boto_client

    source = inspect.getsource(boto_client)
    still("return boto3.client(" in source, "shares clients between threads", "sfn_tasks")


def test_there_is_no_jsonata() -> None:
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    still(jsonata._eval_jsonata is None, "evaluates JSONata", "sfn_tasks")
    still(fails(lambda: jsonata.eval_jsonata_expression("1"), TypeError), "evaluates JSONata", "sfn_tasks")


def template(**resources: Any) -> str:
    return json.dumps({"Parameters": {"P": {"Type": "String", "Default": "a"}}, "Resources": resources})


def role(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ASSUME, **properties}}


@pytest.mark.parametrize("kind", ["AWS::Glue::Database", "AWS::Glue::Job", "AWS::Glue::Crawler"])
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_glue_types_are_skipped_silently(kind: str) -> None:
    cfn = client("cloudformation")
    cfn.create_stack(StackName="s", TemplateBody=template(R={"Type": kind, "Properties": {}}))
    status = cfn.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]
    still(status == "CREATE_COMPLETE", f"knows {kind}", "cfn_types")


def test_role_properties_are_left_out() -> None:
    cfn, iam = client("cloudformation"), client("iam")
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    policy = iam.create_policy(PolicyName="m", PolicyDocument=document)["Policy"]["Arn"]
    inline = [{"PolicyName": "one", "PolicyDocument": ASSUME}]
    made = role(RoleName="r", ManagedPolicyArns=[policy], Policies=inline)
    cfn.create_stack(StackName="s", TemplateBody=template(R=made))
    attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    still(attached == [], "attaches ManagedPolicyArns", "cfn_types")
    kept = iam.get_role_policy(RoleName="r", PolicyName="one")["PolicyDocument"]
    still(isinstance(kept, str), "keeps a role's policies as JSON", "cfn_types")
    inline[0]["PolicyName"] = "two"
    changed = role(RoleName="r", ManagedPolicyArns=[policy], Policies=inline)
    cfn.update_stack(StackName="s", TemplateBody=template(R=changed))
    names = iam.list_role_policies(RoleName="r")["PolicyNames"]
    still(names == ["one"], "updates a role's policies", "cfn_types")


def test_functions_and_log_groups_are_half_done() -> None:
    from moto.awslambda.models import LambdaFunction
    from moto.logs.models import LogGroup

    source = inspect.getsource(LambdaFunction.create_from_cloudformation_json)
    still("Architectures" not in source, "keeps a function's Architectures", "cfn_types")
    still("update_from_cloudformation_json" not in vars(LogGroup), "updates log groups", "cfn_types")


def test_change_sets_without_changes_and_slow_validation() -> None:
    from moto.cloudformation.responses import CloudFormationResponse

    cfn = client("cloudformation")
    body = template(Q={"Type": "AWS::SQS::Queue", "Properties": {}})
    given: Any = [{"ParameterKey": "P", "ParameterValue": "a"}]
    cfn.create_stack(StackName="s", TemplateBody=body, Parameters=given)
    change: Any = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "UPDATE"}
    refused = fails(cfn.create_change_set, ClientError, TemplateBody=body, Parameters=given, **change)
    still(refused, "makes change sets without changes", "cfn_requests")
    source = inspect.getsource(CloudFormationResponse.validate_template)
    still("cfn_lint" in source, "validates templates without cfn-lint", "cfn_requests")


def test_conditions_in_yaml_and_no_value() -> None:
    cfn = client("cloudformation")
    body = """
    Conditions: {Yes: !Equals [a, a], Both: !And [!Condition Yes, !Condition Yes]}
    Resources:
      A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: !If [Both, all, none]}}
      B:
        Type: AWS::SSM::Parameter
        Properties: {Name: /b, Type: String, Value: !Join ["-", [x, !If [Yes, !Ref "AWS::NoValue", y], z]]}
    """
    lost = fails(cfn.create_stack, Exception, StackName="s", TemplateBody=body)
    values = {p["Name"]: p["Value"] for p in client("ssm").get_parameters(Names=["/a", "/b"])["Parameters"]}
    still(lost or values.get("/a") == "none", "knows !Condition", "cfn_conditions")
    still(lost or values.get("/b") != "x-z", "leaves out AWS::NoValue in a list", "cfn_conditions")


def test_a_failed_create_stays_half_made() -> None:
    cfn = client("cloudformation")
    good = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/g", "Type": "String", "Value": "v"}}
    # The second of the same name cannot be made.
    assert fails(cfn.create_stack, Exception, StackName="s", TemplateBody=template(A=good, B=good))
    left = client("ssm").get_parameters(Names=["/g"])["Parameters"]
    still(len(left) == 1, "rolls back a failed create", "cfn_stacks")


def test_stacks_of_change_sets_have_no_outputs() -> None:
    cfn = client("cloudformation")
    body = json.loads(template(Q={"Type": "AWS::SQS::Queue", "Properties": {}}))
    body["Outputs"] = {"O": {"Value": {"Ref": "Q"}}}
    cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(body)
    )
    cfn.execute_change_set(StackName="s", ChangeSetName="c")
    still("Outputs" not in cfn.describe_stacks(StackName="s")["Stacks"][0], "has Outputs", "cfn_stacks")


def test_a_parameter_in_a_sub_is_not_updated() -> None:
    cfn = client("cloudformation")
    value = {"Name": "/p", "Type": "String", "Value": {"Fn::Sub": "<${P}>"}}
    body = template(A={"Type": "AWS::SSM::Parameter", "Properties": value})
    cfn.create_stack(StackName="s", TemplateBody=body)
    given: Any = [{"ParameterKey": "P", "ParameterValue": "b"}]
    cfn.update_stack(StackName="s", TemplateBody=body, Parameters=given)
    found = client("ssm").get_parameter(Name="/p")["Parameter"]["Value"]
    still(found == "<a>", "updates what a parameter changes", "cfn_stacks")


def test_neither_parameters_nor_capabilities_are_checked() -> None:
    cfn = client("cloudformation")
    given: Any = [{"ParameterKey": "None", "ParameterValue": "b"}]
    create: Any = {"StackName": "s", "TemplateBody": template(R=role()), "Parameters": given}
    still(not fails(cfn.create_stack, ClientError, **create), "checks parameters", "cfn_stacks")
    create = {"StackName": "t", "TemplateBody": template(R=role())}
    still(not fails(cfn.create_stack, ClientError, **create), "checks capabilities", "cfn_requests")


def test_a_template_is_not_found_by_path() -> None:
    client("s3").create_bucket(Bucket="templates")
    queue = template(Q={"Type": "AWS::SQS::Queue", "Properties": {}})
    client("s3").put_object(Bucket="templates", Key="t", Body=queue.encode())
    create: Any = {"StackName": "s", "TemplateURL": "http://127.0.0.1:5055/templates/t"}
    lost = fails(client("cloudformation").create_stack, Exception, **create)
    still(lost, "finds templates by path", "cfn_requests")


def test_there_is_no_policy_simulation() -> None:
    from moto.iam.responses import IamResponse

    has = hasattr(IamResponse, "simulate_principal_policy")
    still(not has, "has SimulatePrincipalPolicy", "iam_simulation")


def test_there_is_no_mwaa() -> None:
    from moto import backends

    still("mwaa" not in backends.list_of_moto_modules(), "has Amazon MWAA", "mwaa")


def test_commands_succeed_unrun() -> None:
    ssm = client("ssm")
    command = ssm.send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=["i-1"], Parameters={"commands": ["exit 1"]}
    )["Command"]
    still(command["Status"] == "Success", "runs commands", "ssm_commands")
    still(fails(ssm.list_command_invocations), "has ListCommandInvocations", "ssm_commands")
    still(fails(ssm.cancel_command, CommandId="0" * 36), "has CancelCommand", "ssm_commands")
    still(fails(ssm.describe_instance_information), "has DescribeInstanceInformation", "ssm_commands")
