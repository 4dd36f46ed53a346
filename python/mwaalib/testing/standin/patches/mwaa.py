"""Amazon MWAA, which moto does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime


def apply(runtime: Runtime) -> None:
    """Add the service."""
    environments = runtime.environments
    for operation, function in (
        ("CreateEnvironment", environments.create),
        ("GetEnvironment", environments.get),
        ("UpdateEnvironment", environments.update),
        ("DeleteEnvironment", environments.delete),
        ("ListEnvironments", environments.list),
    ):
        runtime.overlay.add("mwaa", operation, function)
