"""One example of each kind of job: what it needs, how many there are, how to set its state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/role"
STEP = {"Name": "load", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}}


@dataclass
class Kind:
    """A kind of job in the emulator."""

    name: str
    aws: Any

    def start(self, key: str | None, session: Any = None, **more: Any) -> dict[str, Any]:
        """Start the example, or find the one started under the key."""
        return json.loads((session or self.aws.session()).start(self.job(key, **more)))

    def job(self, key: str | None, **more: Any) -> str:
        """Return the example's JSON."""
        return json.dumps({"kind": self.name, "request": self.request() | more, "key": key})

    def prepare(self) -> None:
        """Make what the job needs."""

    def request(self) -> dict[str, Any]:
        raise NotImplementedError

    def count(self) -> int:
        """Return how many of these jobs there are."""
        raise NotImplementedError

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        """End the job."""
        raise NotImplementedError


class JobFlow(Kind):
    def request(self) -> dict[str, Any]:
        group = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
        return {
            "Name": "nightly",
            "ReleaseLabel": "emr-7.9.0",
            "Instances": {"InstanceGroups": [group], "KeepJobFlowAliveWhenNoSteps": False},
            "Steps": [STEP],
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "ServiceRole": "EMR_DefaultRole",
        }

    def count(self) -> int:
        return len(self.aws.boto("emr").list_clusters()["Clusters"])

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        self.aws.backend("emr").clusters[started["ids"][0]].state = (
            "TERMINATED" if well else "TERMINATED_WITH_ERRORS"
        )


class Steps(Kind):
    cluster = ""

    def prepare(self) -> None:
        group = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
        reply = self.aws.boto("emr").run_job_flow(
            Name="alive",
            ReleaseLabel="emr-7.9.0",
            Instances={"InstanceGroups": [group], "KeepJobFlowAliveWhenNoSteps": True},
            JobFlowRole="EMR_EC2_DefaultRole",
            ServiceRole="EMR_DefaultRole",
        )
        self.cluster = reply["JobFlowId"]

    def request(self) -> dict[str, Any]:
        return {"JobFlowId": self.cluster, "Steps": [STEP, STEP]}

    def count(self) -> int:
        return len(self.aws.boto("emr").list_steps(ClusterId=self.cluster)["Steps"]) // 2

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        for step in started["ids"]:
            self.aws.backend("emr").describe_step(self.cluster, step).state = (
                "COMPLETED" if well else "FAILED"
            )


class Execution(Kind):
    machine = ""

    def prepare(self) -> None:
        definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        reply = self.aws.boto("stepfunctions").create_state_machine(
            name="flow", definition=json.dumps(definition), roleArn=ROLE
        )
        self.machine = reply["stateMachineArn"]

    def request(self) -> dict[str, Any]:
        return {"stateMachineArn": self.machine, "input": "{}"}

    def count(self) -> int:
        return len(self.aws.boto("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"])

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        execution = self.aws.backend("stepfunctions").describe_execution(started["ids"][0])
        execution.status = "SUCCEEDED" if well else "TIMED_OUT"


class JobRun(Kind):
    def prepare(self) -> None:
        self.aws.boto("glue").create_job(
            Name="etl",
            Role=ROLE,
            Command={"Name": "glueetl", "ScriptLocation": "s3://b/etl.py"},
            ExecutionProperty={"MaxConcurrentRuns": 10},
        )

    def request(self) -> dict[str, Any]:
        return {"JobName": "etl", "Arguments": {"--day": "1"}}

    def count(self) -> int:
        return len(self.aws.boto("glue").get_job_runs(JobName="etl")["JobRuns"])

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        runs = self.aws.backend("glue").jobs["etl"].job_runs
        run = next(run for run in runs if run.job_run_id == started["ids"][0])
        run._transitions = []
        run.status = "SUCCEEDED" if well else "EXPIRED"


class Command(Kind):
    def request(self) -> dict[str, Any]:
        return {
            "DocumentName": "AWS-RunShellScript",
            "InstanceIds": ["i-1234567890abcdef0"],
            "Parameters": {"commands": ["true"]},
        }

    def count(self) -> int:
        return len(self.aws.boto("ssm").list_commands()["Commands"])

    def end(self, started: dict[str, Any], *, well: bool) -> None:
        commands = self.aws.backend("ssm")._commands
        command = next(command for command in commands if command.command_id == started["parent"])
        command.status = "Success" if well else "Failed"


KINDS = {
    "emr_job_flow": JobFlow,
    "emr_step": Steps,
    "sfn_execution": Execution,
    "glue_job_run": JobRun,
    "ssm_command": Command,
}
