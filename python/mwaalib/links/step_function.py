"""Links to Step Functions' console pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from mwaalib.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink


class StateMachineDetailsLink(BaseAwsLink):
    """Link to a state machine's page."""

    name = "State Machine Details"
    key = "_state_machine_details"
    format_str = (
        BASE_AWS_CONSOLE_LINK + "/states/home?region={region_name}#/statemachines/view/{state_machine_arn}"
    )

    def format_link(self, *, state_machine_arn: str | None = None, **kwargs: Any) -> str:
        if not state_machine_arn:
            return ""
        return super().format_link(state_machine_arn=quote_plus(state_machine_arn), **kwargs)


class StateMachineExecutionsDetailsLink(BaseAwsLink):
    """Link to an execution's page."""

    name = "State Machine Executions Details"
    key = "_state_machine_executions_details"
    format_str = (
        BASE_AWS_CONSOLE_LINK + "/states/home?region={region_name}#/v2/executions/details/{execution_arn}"
    )

    def format_link(self, *, execution_arn: str | None = None, **kwargs: Any) -> str:
        if not execution_arn:
            return ""
        return super().format_link(execution_arn=quote_plus(execution_arn), **kwargs)
