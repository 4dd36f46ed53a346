"""Running functions, kept warm between invocations."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import platform
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mwaalib.testing.standin.functions.environment import Environment, Result

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

_PYTHON_BOOTSTRAP = Path(__file__).with_name("python_bootstrap.py")
_MACHINES = {"x86_64": ("x86_64", "AMD64"), "arm64": ("aarch64", "arm64")}


class Functions:
    """Execution environments of all functions.

    :param runtime: the stand-in's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._idle: dict[str, list[Environment]] = {}
        self._started = 0

    def invoke(self, function: Any, event: str) -> Result:
        """Invoke a function in a warm environment, or in a new one.

        :param function: moto's function.
        :param event: the JSON event.
        """
        key = self._key(function)
        try:
            environment = self._take(key) or self._start(function, key)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            body = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": str(error)}
            return Result(json.dumps(body), "Unhandled", str(error))
        result = environment.invoke(event, float(function.timeout or 3))
        if environment.alive:
            with self._lock:
                self._idle.setdefault(key, []).append(environment)
        else:
            environment.close()
        return result

    def close(self) -> None:
        """End all idle environments."""
        with self._lock:
            idle = [environment for group in self._idle.values() for environment in group]
            self._idle.clear()
        for environment in idle:
            environment.close()

    def _take(self, key: str) -> Environment | None:
        with self._lock:
            group = self._idle.get(key, [])
            while group:
                environment = group.pop()
                if environment.alive:
                    return environment
        return None

    def _start(self, function: Any, key: str) -> Environment:
        self._check_machine(function)
        with self._lock:
            self._started += 1
            number = self._started
            stale = [k for k in self._idle if k.startswith(f"{function.function_arn}|") and k != key]
            old = [environment for k in stale for environment in self._idle.pop(k)]
        for environment in old:
            environment.close()
        work = self._runtime.work_dir("lambda", function.function_name)
        code = _unpack(function.code_bytes, work)
        return Environment(
            self._runtime.supervisor,
            self._command(function, code),
            code,
            self._environment(function, code),
            function.function_arn,
            work / f"{number}.log",
        )

    def _command(self, function: Any, code: Path) -> list[str]:
        if str(function.run_time).startswith("provided"):
            bootstrap = code / "bootstrap"
            if not bootstrap.exists():
                raise ValueError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
            return [str(bootstrap)]
        if str(function.run_time).startswith("python"):
            return [self._runtime.settings.python, str(_PYTHON_BOOTSTRAP), function.handler]
        raise ValueError(f"the stand-in does not run the runtime {function.run_time}")

    def _environment(self, function: Any, code: Path) -> dict[str, str]:
        return {
            **self._runtime.environment(function.region),
            "AWS_SESSION_TOKEN": "testing",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
            "AWS_LAMBDA_LOG_STREAM_NAME": "standin",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": function.handler or "",
            "TZ": ":UTC",
            **{name: str(value) for name, value in (function.environment_vars or {}).items()},
        }

    @staticmethod
    def _key(function: Any) -> str:
        config = json.dumps(
            [function.code_sha_256, function.environment_vars, function.handler, function.run_time]
        )
        return f"{function.function_arn}|{hashlib.sha256(config.encode()).hexdigest()}"

    @staticmethod
    def _check_machine(function: Any) -> None:
        architecture = (function.architectures or ["x86_64"])[0]
        if platform.machine() not in _MACHINES.get(architecture, ()):
            raise ValueError(
                f"a function for {architecture} does not run on this {platform.machine()} machine"
            )


def _unpack(content: bytes, work: Path) -> Path:
    if not content:
        raise ValueError("the function has no code")
    target = work / hashlib.sha256(content).hexdigest()[:16]
    if target.exists():
        return target
    partial = target.with_suffix(f".{threading.get_ident()}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            archive.extract(member, partial)
            mode = member.external_attr >> 16 & 0o777
            if mode and not member.is_dir():
                (partial / member.filename).chmod(mode)
    if (partial / "bootstrap").exists():
        (partial / "bootstrap").chmod(0o755)
    with contextlib.suppress(OSError):  # another thread was first
        partial.rename(target)
    return target
