"""Amazon EMR, Step Functions, Glue and Systems Manager for Apache Airflow, on a Rust core."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:
    # Looked up late: every DAG file imports this package, few ask for its version.
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("mwaalib")
        except PackageNotFoundError:  # run from a source tree
            from mwaalib._native import core

            return core().__version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
