"""Hook of AWS Systems Manager (SSM)."""

from __future__ import annotations

from typing import Any

from mwaalib.compat import NOTSET, ArgNotSet, is_arg_set, mask_secret
from mwaalib.exceptions import AwsNotFoundError
from mwaalib.hooks.base_aws import AwsBaseHook


class SsmHook(AwsBaseHook):
    """Talks to AWS Systems Manager. For the parameters see `AwsBaseHook`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "ssm"
        super().__init__(*args, **kwargs)

    def get_parameter_value(self, parameter: str, default: str | ArgNotSet = NOTSET) -> str:
        """Return the value of a parameter (GetParameter), decrypted and masked if it is a secret.

        :param parameter: Name of the parameter.
        :param default: What to return if there is no such parameter; without it that is an error.
        :raises AwsNotFoundError: when there is no such parameter.
        """
        try:
            found = self.conn.call("GetParameter", {"Name": parameter, "WithDecryption": True})["Parameter"]
        except AwsNotFoundError:
            if is_arg_set(default):
                return default  # type: ignore[return-value]
            raise
        value: str = found["Value"]
        if found.get("Type") == "SecureString":
            mask_secret(value)
        return value

    def get_command_invocation(self, command_id: str, instance_id: str) -> dict[str, Any]:
        """Return the output of a command on one instance (GetCommandInvocation).

        :param command_id: Id of the command.
        :param instance_id: Id of the instance.
        """
        return self.conn.call("GetCommandInvocation", {"CommandId": command_id, "InstanceId": instance_id})

    def list_command_invocations(self, command_id: str) -> dict[str, Any]:
        """Return the invocations of a command, one per instance (ListCommandInvocations).

        :param command_id: Id of the command.
        """
        return self.conn.call("ListCommandInvocations", {"CommandId": command_id})

    @staticmethod
    def is_aws_level_failure(status: str) -> bool:
        """Return whether a status says that AWS, not the command itself, made an invocation fail.

        :param status: Status of an invocation.
        """
        return status in ("Cancelled", "TimedOut", "Cancelling")
