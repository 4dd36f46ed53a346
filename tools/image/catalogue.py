"""Which Airflow versions Amazon MWAA offers, and the Python in each image."""

from __future__ import annotations

from dataclasses import dataclass


class UnsupportedError(Exception):
    """An Airflow, Python or platform that mwaalib does not run on; the message says what to do."""


@dataclass(frozen=True)
class Image:
    """One environment that mwaalib is tested in.

    :param airflow: Airflow version.
    :param python: Python minor version in the image.
    :param mwaa: whether Amazon MWAA offers it (the newest Airflow is tested beside the images).
    """

    airflow: str
    python: str
    mwaa: bool = True

    @property
    def major(self) -> int:
        """Airflow's major version."""
        return int(self.airflow.split(".")[0])


IMAGES = (
    Image("2.9.2", "3.11"),
    Image("2.10.1", "3.11"),
    Image("2.10.3", "3.11"),
    Image("2.11.0", "3.12"),
    Image("2.11.2", "3.12"),
    Image("3.0.6", "3.12"),
    Image("3.2.1", "3.12"),
    Image("3.3.1", "3.12"),
    Image("3.3.2", "3.13", mwaa=False),
)

NEWEST_IMAGE = [image for image in IMAGES if image.mwaa][-1]


def find(version: str, python: str | None = None) -> Image:
    """Return the image of an Airflow version.

    :param version: Airflow version as MWAA names it, for example ``3.3.1``.
    :param python: Python minor version, if the caller names one.
    :raises UnsupportedError: if no tested image has that Airflow, or not with that Python.
    """
    known = {image.airflow: image for image in IMAGES}
    image = known.get(version.strip())
    if image is None:
        offered = ", ".join(i.airflow for i in IMAGES if i.mwaa)
        raise UnsupportedError(
            f"Airflow {version!r} is not an Amazon MWAA version that mwaalib is made for. "
            f"Choose one of: {offered} (for example: make mwaa MWAA_VERSION={NEWEST_IMAGE.airflow})."
        )
    if python is not None and python != image.python:
        raise UnsupportedError(
            f"Amazon MWAA's Airflow {image.airflow} runs Python {image.python}, not {python}. "
            f"Leave the Python version out, or choose the Airflow version that has Python {python}."
        )
    return image
