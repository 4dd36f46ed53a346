"""Nothing that the demo starts outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.processes import descendants, end_leftovers

ROOT = Path(__file__).parents[2]

# A child in a session of its own that ignores SIGTERM, and a grandchild that has lost its parent.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
if os.fork(): os._exit(0)
time.sleep(120)
"""
# The demo itself, with stand-ins for its work: processes as above, then the word that it is ready.
DEMO = """
import subprocess, sys, time
import demo.__main__, demo.driver
def main():
    from demo.cloud import leashed
    subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True)
    subprocess.Popen(leashed([sys.executable, "-c", "import time; time.sleep(120)"]), start_new_session=True)
    time.sleep(1)
    print("ready", flush=True)
    if ENDS: return 3
    time.sleep(120)
demo.driver.main = main
sys.exit(demo.__main__.main())
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def start(ends: bool = False) -> subprocess.Popen[str]:
    script = f"STUBBORN = {STUBBORN!r}\nENDS = {ends}\n{DEMO}"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tools'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_asked_to_stop(number: signal.Signals) -> None:
    process = start()
    below = descendants(process.pid)
    assert len(below) >= 4, "the driver, the orphan, its child and the leashed one"
    process.send_signal(number)
    assert process.wait(40) == 128 + number
    assert not [pid for pid in below if alive(pid)]


def test_own_end_keeps_its_status() -> None:
    process = start(ends=True)
    assert process.wait(40) == 3


@pytest.mark.parametrize("victim", ["keeper", "driver"])
def test_killed(victim: str) -> None:
    process = start()
    below = descendants(process.pid)
    driver = next(pid for pid in below if os.stat(f"/proc/{pid}") and parent(pid) == process.pid)
    os.kill(process.pid if victim == "keeper" else driver, signal.SIGKILL)
    process.wait(40)
    assert until(lambda: not [pid for pid in below if alive(pid)]), "both halves end what the other left"


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_leftovers_of_a_demo_killed_whole() -> None:
    marker = f"MWAALIB_DEMO=test{os.getpid()}"
    name, _, value = marker.partition("=")
    left = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], env={**os.environ, name: value}, start_new_session=True
    )
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    left.wait(20)  # it has handed over to its child
    try:
        assert len(end_leftovers(marker, patience=1)) == 2
        assert end_leftovers(marker) == []
        assert other.poll() is None, "what is not the demo's is left alone"
    finally:
        other.kill()
        other.wait()
