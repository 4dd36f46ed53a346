"""The uploaded requirements.txt: whether it asks for the wheel, with constraints of the environment's Airflow."""

from __future__ import annotations

import re

from mwaalib.cli.check.finding import Finding, broken, ok, unknown

SUBJECT = "requirements.txt, content"
PLUGINS = "/usr/local/airflow/plugins"
# The first line that `make mwaa` writes.
HEADER = re.compile(r"^# Amazon MWAA \S+: Airflow (?P<airflow>\S+), Python (?P<python>\S+)", re.M)
OFFICIAL = re.compile(r"/constraints-(?P<airflow>[^/]+)/constraints-(?P<python>[\d.]+)\.txt")


def check_requirements(
    text: str, wheel: str, names: list[str], airflow: str, python: str | None, remedy: str
) -> Finding:
    """Check the content of requirements.txt.

    :param text: the content.
    :param wheel: name of the wheel in plugins.zip.
    :param names: the files in plugins.zip.
    :param airflow: the environment's Airflow version; empty where it is not known.
    :param python: the Python of that version.
    :param remedy: what to do where it is broken.
    """
    lines = [line.strip() for line in text.splitlines()]
    version = wheel.split("-")[1]
    if f"{PLUGINS}/{wheel}" not in lines:
        # By name it works too, as long as no index has a package of that name.
        if f"mwaalib=={version}" not in lines:
            return broken(SUBJECT, f"does not ask for {PLUGINS}/{wheel}, the wheel in plugins.zip", remedy)
        if f"--find-links {PLUGINS}" not in lines:
            detail = f"lacks the line --find-links {PLUGINS}, so pip does not see the wheel"
            return broken(SUBJECT, detail, remedy)
    constraint = next((line for line in lines if re.match(r"(--constraint|-c)\b", line)), "")
    if not constraint:
        return broken(SUBJECT, "has no --constraint line, which Amazon MWAA demands", remedy)
    inside = re.search(rf"{PLUGINS}/([^\"'\s]+)", constraint)
    if inside and inside[1] not in names:
        return broken(SUBJECT, f"its constraints file {inside[1]} is not in plugins.zip", remedy)
    made_for = [found for found in (HEADER.search(text), OFFICIAL.search(constraint)) if found]
    for found in made_for:
        if airflow and (found["airflow"], found["python"]) != (airflow, python or found["python"]):
            wanted = airflow + (f" on Python {python}" if python else "")
            detail = f"is for Airflow {found['airflow']} on Python {found['python']}, not {wanted}"
            return broken(SUBJECT, detail, remedy)
    if not made_for:
        return unknown(SUBJECT, f"it does not say which Airflow its constraints are of: {constraint}")
    return ok(SUBJECT, f"Airflow {made_for[0]['airflow']}, Python {made_for[0]['python']}")
