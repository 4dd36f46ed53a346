"""Glue's job operator against the stand-in."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from mwaalib.exceptions import JobFailedError, MwaalibError, RequestValidationError
from mwaalib.operators.glue import GlueJobOperator
from support.task import context, run_deferred
from support.work import ROLE, glue_job, unique, until


def operator(name: str, **kwargs: Any) -> GlueJobOperator:
    kwargs = {
        "iam_role_arn": ROLE,
        "script_location": "s3://b/x.py",
        "job_poll_interval": 0.5,
        "waiter_delay": 1,
        **kwargs,
    }
    return GlueJobOperator(task_id="glue", job_name=name, **kwargs)


def end(aws: Any, ctx: Any, state: str, message: str = "") -> threading.Thread:
    """Let the run end in a state as soon as it is known."""

    def drive() -> None:
        until(lambda: "glue_job_run_id" in ctx["ti"].xcom)
        aws.drive("glue_job_run", ctx["ti"].xcom["glue_job_run_id"], state, message=message)

    thread = threading.Thread(target=drive)
    thread.start()
    return thread


def run(aws: Any, task: GlueJobOperator, ctx: Any, state: str, message: str = "") -> Any:
    thread = end(aws, ctx, state, message)
    try:
        return run_deferred(task, ctx) if task.deferrable else task.execute(ctx)
    finally:
        thread.join()


def test_creates_the_job_and_returns_the_run(aws: Any) -> None:
    name, ctx = unique("job"), context()
    run_id = operator(
        name, wait_for_completion=False, script_args={"--x": "1"}, num_of_dpus=2, s3_bucket="b",
        create_job_kwargs={"GlueVersion": "5.0"}, concurrent_run_limit=3, retry_limit=1, job_desc="d",
    ).execute(ctx)  # fmt: skip
    job = aws.client("glue").get_job(JobName=name)["Job"]
    assert (job["Role"], job["Description"], job["MaxRetries"]) == (ROLE, "d", 1)
    assert (job["GlueVersion"], job["MaxCapacity"]) == ("5.0", 2)
    assert job["LogUri"] == f"s3://b/logs/glue-logs/{name}"
    assert job["ExecutionProperty"]["MaxConcurrentRuns"] == 3
    assert aws.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]["Arguments"]["--x"] == "1"
    assert ctx["ti"].xcom["glue_job_run_id"] == run_id
    assert ctx["ti"].xcom["glue_job_run_details"]["job_run_id"] == run_id


@pytest.mark.parametrize("deferrable", [False, True])
def test_waits_until_it_succeeded(aws: Any, deferrable: bool) -> None:
    ctx = context()
    run_id = run(aws, operator(unique("job"), deferrable=deferrable), ctx, "SUCCEEDED")
    assert run_id == ctx["ti"].xcom["glue_job_run_id"]


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "TIMEOUT"])
def test_failed_run_says_why(aws: Any, state: str, deferrable: bool) -> None:
    with pytest.raises(JobFailedError) as error:
        run(aws, operator(unique("job"), deferrable=deferrable), context(), state, "KeyError: 'rating'")
    assert error.value.state == state
    assert "KeyError: 'rating'" in str(error.value)


def test_existing_job_is_left_alone(aws: Any) -> None:
    name = unique("job")
    glue_job(aws, name)
    operator(name, wait_for_completion=False, job_desc="new").execute(context())
    assert aws.client("glue").get_job(JobName=name)["Job"].get("Description") != "new"


def test_existing_job_is_updated_on_wish(aws: Any) -> None:
    name = unique("job")
    glue_job(aws, name)
    operator(name, wait_for_completion=False, job_desc="new", update_config=True).execute(context())
    assert aws.client("glue").get_job(JobName=name)["Job"]["Description"] == "new"


def test_role_by_name(aws: Any) -> None:
    role = unique("role")
    arn = aws.client("iam").create_role(RoleName=role, Path="/p/", AssumeRolePolicyDocument="{}")["Role"][
        "Arn"
    ]
    name = unique("job")
    operator(name, iam_role_arn=None, iam_role_name=role, wait_for_completion=False).execute(context())
    assert aws.client("glue").get_job(JobName=name)["Job"]["Role"] == arn


def test_job_without_any_role(aws: Any) -> None:
    with pytest.raises(ValueError, match="iam_role_arn or iam_role_name"):
        operator(unique("job"), iam_role_arn=None, wait_for_completion=False).execute(context())


def test_local_script_is_uploaded(aws: Any, tmp_path: Path) -> None:
    script = tmp_path / "transform.py"
    script.write_text("print(1)")
    s3, bucket, name = aws.client("s3"), unique("bucket"), unique("job")
    s3.create_bucket(Bucket=bucket)
    # The first run may still be under way when the script is replaced.
    arguments = {
        "script_location": str(script), "s3_bucket": bucket, "wait_for_completion": False, "concurrent_run_limit": 3
    }  # fmt: skip
    operator(name, **arguments).execute(context())
    key = "artifacts/glue-scripts/transform.py"
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"print(1)"
    location = aws.client("glue").get_job(JobName=name)["Job"]["Command"]["ScriptLocation"]
    assert location == f"s3://{bucket}/{key}"

    # A retry finds what its predecessor uploaded.
    operator(name, **arguments).execute(context(try_number=2))

    script.write_text("print(2)")
    with pytest.raises(MwaalibError, match="replace_script_file"):
        operator(name, **arguments).execute(context())
    operator(name, replace_script_file=True, **arguments).execute(context())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"print(2)"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"script_location": "/no/such.py", "s3_bucket": "b"}, "neither"),
        ({"script_location": "/x.py"}, "s3_bucket"),
    ],
)
def test_script_that_cannot_be_uploaded(aws: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(MwaalibError, match=message):
        operator(unique("job"), **kwargs).execute(context())


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"iam_role_name": "x"}, "must not both"),
        ({"create_job_kwargs": {"WorkerType": "G.1X"}}, "NumberOfWorkers"),
        (
            {"create_job_kwargs": {"WorkerType": "G.1X", "NumberOfWorkers": 2}, "num_of_dpus": 3},
            "num_of_dpus",
        ),
    ],
)
def test_parameters_that_exclude_each_other(kwargs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _ = operator("job", **kwargs).hook


def test_misspelt_run_is_refused(aws: Any) -> None:
    with pytest.raises(RequestValidationError, match="NumberOfWorkers"):
        operator(unique("job"), run_job_kwargs={"NumberOfWorker": 2}, wait_for_completion=False).execute(
            context()
        )


@pytest.mark.parametrize("durable", [True, False])
def test_retry_takes_over_the_run_of_its_crashed_attempt(aws: Any, durable: bool) -> None:
    run_id = unique("run")
    name = unique("job")
    arguments = {"wait_for_completion": False, "retries": 1, "durable": durable, "concurrent_run_limit": 5}
    first = operator(name, **arguments).execute(context(run_id=run_id, max_tries=1))
    again = operator(name, **arguments).execute(context(run_id=run_id, max_tries=1, try_number=2))
    assert (first == again) is durable


def test_without_durable_the_script_sees_no_key(aws: Any) -> None:
    name = unique("job")
    arguments = {"wait_for_completion": False, "script_args": {"--x": "1"}}
    run_id = operator(name, durable=False, **arguments).execute(context())
    run = aws.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]
    assert run["Arguments"] == {"--x": "1"}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"JobName": "other"}, "JobName"), ({"Arguments": {"--b": "2"}}, "script_args")],
)
def test_run_job_kwargs_do_not_replace_what_has_a_parameter(aws: Any, kwargs: Any, message: str) -> None:
    task = operator(unique("job"), script_args={"--a": "1"}, run_job_kwargs=kwargs, wait_for_completion=False)
    with pytest.raises(MwaalibError, match=message):
        task.execute(context())


def test_old_name_of_durable() -> None:
    from airflow.exceptions import AirflowProviderDeprecationWarning

    with pytest.warns(AirflowProviderDeprecationWarning, match="durable"):
        assert operator("job", resume_glue_job_on_retry=False).durable is False


@pytest.mark.parametrize("stop", [True, False])
def test_kill(aws: Any, stop: bool) -> None:
    name = unique("job")
    task = operator(name, wait_for_completion=False, stop_job_run_on_kill=stop)
    run_id = task.execute(context())
    task.on_kill()
    assert aws.calls().get("glue:BatchStopJobRun", 0) == int(stop)
    assert run_id
