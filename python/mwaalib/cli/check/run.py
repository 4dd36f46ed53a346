"""Run all checks of a deployment and report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mwaalib.cli.check import report
from mwaalib.cli.check.aws import Aws, CallError, CheckError
from mwaalib.cli.check.context import Context
from mwaalib.cli.check.emr_roles import check_emr_roles
from mwaalib.cli.check.environment import check_environment
from mwaalib.cli.check.files import check_files
from mwaalib.cli.check.finding import Finding, Status, unknown
from mwaalib.cli.check.install_log import check_install_log
from mwaalib.cli.check.lake_formation import check_lake_formation
from mwaalib.cli.check.parameters import check_parameters
from mwaalib.cli.check.permissions import check_permissions
from mwaalib.cli.check.stack import check_buckets, check_resources, check_stack
from mwaalib.cli.check.wheel import check_wheel

CHECKS: tuple[Callable[[Context], list[Finding]], ...] = (
    check_stack,
    check_resources,
    check_buckets,
    check_parameters,
    check_emr_roles,
    check_permissions,
    check_lake_formation,
    check_files,
    check_wheel,
    check_environment,
    check_install_log,
)


def findings(context: Context) -> list[Finding]:
    """Run every check and return what they found, in the order of the checks.

    :param context: the deployment, loaded.
    :raises CheckError: if a check found that none can be run.
    """

    def one(check: Callable[[Context], list[Finding]]) -> list[Finding]:
        try:
            return check(context)
        except CallError as error:
            return [unknown(check.__name__.removeprefix("check_").replace("_", " "), str(error))]

    with ThreadPoolExecutor(len(CHECKS)) as pool:
        return [finding for found in pool.map(one, CHECKS) for finding in found]


def check(options: argparse.Namespace) -> int:
    """Run `mwaalib check`.

    :param options: the parsed command line.
    :return: 0 if nothing is broken, 1 if something is, 2 if the checks could not be run.
    """
    try:
        context = Context(
            aws=Aws(options.profile, options.region),
            stack=options.stack,
            project=options.project,
            environment_name=options.environment,
            role=options.role,
            buckets={"MwaaBucket": options.mwaa_bucket, "DataBucket": options.data_bucket},
        )
        context.load()
        found = findings(context)
    except (CheckError, CallError) as error:
        print(f"mwaalib check: {error}", file=sys.stderr)
        return 2
    if options.json:
        head = {"stack": context.stack, "account": context.account, "region": context.aws.region}
        print(report.as_json(found, head))
    else:
        print(report.as_table(found))
    states = {finding.status for finding in found}
    failing = {Status.BROKEN, Status.UNKNOWN} if options.strict else {Status.BROKEN}
    return 1 if states & failing else 0
