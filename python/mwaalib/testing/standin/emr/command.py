"""A step's HadoopJarStep as a command of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mwaalib.testing.standin.spark import Spark


class StepCommandError(Exception):
    """A step that cannot be run at all."""


def translate(jar: str, main_class: str | None, arguments: list[str], spark: Spark, work: Path) -> list[str]:
    """Turn a step into a command.

    :param jar: the step's Jar: command-runner.jar, script-runner.jar, or a jar file.
    :param main_class: its MainClass.
    :param arguments: its Args.
    :param spark: translates spark-submit.
    :param work: directory of this step.
    :return: the command.
    :raises StepCommandError: it cannot be run.
    :raises FileNotFoundError: a file at an ``s3://`` address is missing.
    """
    name = jar.rsplit("/", 1)[-1]
    if name == "command-runner.jar":
        if not arguments:
            raise StepCommandError("command-runner.jar needs a command in Args")
        if arguments[0] == "spark-submit":
            return spark.command(arguments[1:], work)
        return list(arguments)
    if name == "script-runner.jar":
        if not arguments:
            raise StepCommandError("script-runner.jar needs the address of a script in Args")
        script = Path(spark.fetch(arguments[0], work))
        if script.exists():
            script.chmod(0o755)
        shebang = script.exists() and script.read_bytes().startswith(b"#!")
        return [*([] if shebang else ["bash"]), str(script), *arguments[1:]]
    jar_file = spark.fetch(jar, work)
    if not Path(jar_file).exists():
        raise StepCommandError(f"no such jar: {jar}")
    if main_class:
        return ["java", "-cp", jar_file, main_class, *arguments]
    return ["java", "-jar", jar_file, *arguments]


def environment(base: Mapping[str, str], python: str) -> dict[str, str]:
    """Return a step's environment: what lies beside ``python``, such as the AWS CLI, is first on PATH."""
    folders = [str(Path(python).parent), str(Path(sys.executable).parent), base.get("PATH", os.defpath)]
    return {**base, "PATH": os.pathsep.join(folders)}
