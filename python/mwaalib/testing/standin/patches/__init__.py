"""Where moto differs from AWS in ways that matter here, and nowhere else.

Each module has ``apply(runtime)``. ``tests/testing/test_patches.py`` runs moto without them and
fails as soon as moto does a thing itself, which tells that the patch can go.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mwaalib.testing.standin.runtime import Runtime

PATCHES = (
    "emr",
    "glue_jobs",
    "glue_crawlers",
    "lambda_functions",
    "sfn_executions",
    "sfn_tasks",
    "cfn_types",
    "cfn_conditions",
    "cfn_stacks",
    "cfn_requests",
    "iam_simulation",
    "mwaa",
    "ssm_commands",
)


def apply_all(runtime: Runtime) -> None:
    """Apply every patch.

    :raises RuntimeError: this version of moto is too different.
    """
    for name in PATCHES:
        try:
            import_module(f"{__name__}.{name}").apply(runtime)
        except (AttributeError, ImportError) as error:
            import moto

            raise RuntimeError(
                f"the stand-in does not know moto {moto.__version__} (patch {name}: {error}); "
                "install the version that the wheel's extra [testing] asks for"
            ) from error
