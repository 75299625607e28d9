"""A process whose main loop hangs ends itself; one that is suspended or reconnecting does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.service import ROOT

LIMIT_S = 0.5
SCRIPT = f"""
import logging, time
from mediapipe.queueing import watchdog
logging.basicConfig()
watchdog.CHECK_INTERVAL_S = 0.1
dog = watchdog.Watchdog({LIMIT_S})
def turn(times):
    for _ in range(times):
        dog.touch()
        time.sleep(0.05)
def get_stuck():
    time.sleep(60)
turn(2)
print("turning", flush=True)
"""


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(processes: list[subprocess.Popen[str]], rest: str) -> subprocess.Popen[str]:
    """Start a process that runs its main loop for two rounds, then the code in `rest`."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SCRIPT + rest]
    process = subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    processes.append(process)
    assert process.stdout
    assert process.stdout.readline() == "turning\n"
    return process


def test_a_process_whose_loop_is_stuck_ends(processes: list[subprocess.Popen[str]]) -> None:
    process = start(processes, "get_stuck()")
    _, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the main loop has been stuck" in log
    assert "in get_stuck" in log


def test_a_process_whose_logging_is_stuck_ends(processes: list[subprocess.Popen[str]]) -> None:
    process = start(processes, "logging.root.handlers[0].acquire(); get_stuck()")
    _, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "in get_stuck" in log


def test_a_process_whose_loop_is_running_is_not_ended(
    processes: list[subprocess.Popen[str]],
) -> None:
    process = start(processes, "turn(40)")
    assert process.wait(30) == 0


def test_a_process_whose_loop_waits_for_the_broker_is_not_ended(
    processes: list[subprocess.Popen[str]],
) -> None:
    process = start(processes, f"dog.pause(); time.sleep({3 * LIMIT_S})")
    assert process.wait(30) == 0


def test_a_process_that_was_suspended_is_not_ended(processes: list[subprocess.Popen[str]]) -> None:
    process = start(processes, "turn(40)")
    process.send_signal(signal.SIGSTOP)
    time.sleep(3 * LIMIT_S)
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0
