"""PySpark in local mode, with the buckets mounted where ``s3://`` addresses point."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from mwaalib.testing.standin.mirror import Mirror
from mwaalib.testing.standin.settings import Settings
from mwaalib.testing.standin.store import Store, split_s3_url

_SUBMIT = Path(__file__).with_name("submit.py")
_SCHEMES = ("s3", "s3a", "s3n")
#: spark-submit options that take a value (the rest are flags).
_FLAGS = {"--verbose", "-v", "--supervise", "--version", "--help", "-h", "--usage-error"}
#: The jobs are short: compiling less costs a third less CPU time than compiling well.
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
_FILE_LISTS = {"--py-files", "--files", "--jars", "--archives"}


class SparkMissingError(RuntimeError):
    """The interpreter has no PySpark, or there is no Java."""


@functools.cache
def spark_home(python: str) -> Path:
    """Return the PySpark installation of an interpreter.

    :raises SparkMissingError: it has none.
    """
    probe = "import importlib.util as u; print(u.find_spec('pyspark').submodule_search_locations[0])"
    result = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SparkMissingError(
            f"{python} has no PySpark; install pyspark there, or name another interpreter "
            "with --python or MWAALIB_STANDIN_PYTHON"
        )
    return Path(result.stdout.strip())


class Spark:
    """Turns spark-submit commands into ones that run here.

    :param settings: interpreter and master.
    :param store: where scripts at ``s3://`` addresses are read from.
    :param mirror: the buckets as directories.
    """

    def __init__(self, settings: Settings, store: Store, mirror: Mirror) -> None:
        self._settings = settings
        self._store = store
        self._mirror = mirror

    def command(self, arguments: list[str], work: Path) -> list[str]:
        """Translate spark-submit's arguments.

        ``--master`` and ``--deploy-mode`` become local mode in the client, files at ``s3://``
        addresses are fetched into ``work``; the application's own arguments stay as they are.

        :param arguments: what follows ``spark-submit``.
        :param work: directory of this run.
        :return: the whole command.
        :raises FileNotFoundError: a file at an ``s3://`` address is missing.
        :raises SparkMissingError: PySpark is missing.
        """
        command = [
            str(spark_home(self._settings.python) / "bin" / "spark-submit"),
            "--properties-file",
            str(_properties(work)),
            "--master",
            self._settings.spark_master,
        ]
        rest = list(arguments)
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            option, equals, value = option.partition("=")
            if option in _FLAGS:
                command.append(option)
                continue
            if not equals:
                if not rest:
                    raise ValueError(f"spark-submit: {option} lacks its value")
                value = rest.pop(0)
            if option in ("--master", "--deploy-mode"):
                continue
            if option == "--properties-file":
                given = Path(self.fetch(value, work)).read_text()
                (work / "given.conf").write_text(given)
                continue
            if option == "--conf" and value.startswith(("spark.master=", "spark.submit.deployMode=")):
                continue
            if option in _FILE_LISTS:
                value = ",".join(self.fetch(part, work) for part in value.split(","))
            command += [option, value]
        if rest:
            rest[0] = self.fetch(rest[0], work)
        return command + rest

    def fetch(self, address: str, work: Path) -> str:
        """Bring a file at an ``s3://`` address into a run's directory; leave other addresses as they are."""
        if not address.startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
            return address
        local = work / "files" / Path(split_s3_url(address)[1]).name
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(self._store.read(address))
        return str(local)

    def shell_environment(self, base: dict[str, str], work: Path) -> dict[str, str]:
        """Return the environment of a shell step, in which ``spark-submit`` works as well.

        :param base: environment to add to.
        :param work: directory of this run.
        :return: ``base`` itself where there is no Spark.
        """
        try:
            env = self.environment(base, work)
        except SparkMissingError:
            return base
        programs = work / "bin"
        programs.mkdir(exist_ok=True)
        script = programs / "spark-submit"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(_SUBMIT))} "$@"\n')
        script.chmod(0o755)
        env["PATH"] = os.pathsep.join([str(programs), base.get("PATH", os.defpath)])
        env["MWAALIB_STANDIN_SPARK_MASTER"] = self._settings.spark_master
        env["MWAALIB_STANDIN_SPARK_PROPERTIES"] = str(_properties(work))
        return env

    def environment(self, base: dict[str, str], work: Path) -> dict[str, str]:
        """Write the run's Spark configuration.

        :param base: environment to add to.
        :param work: directory of this run.
        :return: the environment for spark-submit, or for a Python program that uses PySpark.
        :raises SparkMissingError: PySpark or Java is missing.
        """
        from mwaalib.testing.standin.prepare import class_archive

        if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
            raise SparkMissingError("Spark needs Java 17 or later: no java on PATH, no JAVA_HOME")
        # Java refuses its class archive when a directory with files, as SPARK_CONF_DIR is one, is in
        # the class path: hence a properties file.
        archive = class_archive(self._settings.python)
        shared = f" -XX:SharedArchiveFile={archive}" if archive.exists() else ""
        values = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.warehouse.dir": str(work / "warehouse"),
            "spark.local.dir": str(work / "local"),
            "spark.driver.extraJavaOptions": JAVA_OPTIONS + shared,
        }
        overload = "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl"
        values[overload] = "org.apache.hadoop.fs.RawLocalFileSystem"
        for scheme in _SCHEMES:
            values[f"spark.hadoop.fs.{scheme}.impl"] = (
                "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
            )
        for bucket in self._store.buckets():
            values[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = self._mirror.directory(
                bucket
            ).as_uri()
        text = "".join(f"{name} {value}\n" for name, value in values.items())
        given = work / "given.conf"
        _properties(work).write_text(text + (given.read_text() if given.exists() else ""))
        options = ["--properties-file", str(_properties(work)), "--master", self._settings.spark_master]
        return {
            **base,
            "SPARK_HOME": str(spark_home(self._settings.python)),
            "PYSPARK_SUBMIT_ARGS": shlex.join([*options, "pyspark-shell"]),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": self._settings.python,
            "PYSPARK_DRIVER_PYTHON": self._settings.python,
        }


def _properties(work: Path) -> Path:
    return work / "spark.conf"
