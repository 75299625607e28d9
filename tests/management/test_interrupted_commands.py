"""Commands that serve until they are interrupted, and leave no process behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import commands
from tests.support.processes import processes_of, send_signals, wait_until_gone
from tests.support.servers import free_port

pytestmark = pytest.mark.services

START_S = 60
STOP_S = 60


def interrupt(arguments: list[str], data_dir: Path, is_started: Callable[[], bool]) -> int:
    """Start a command and send it a thousand signals; return its exit status."""
    with (data_dir / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=commands.ROOT,
            env=commands.environment(data_dir),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while not is_started():
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)
        send_signals(process.pid, 1000)
        return process.wait(STOP_S)
    finally:
        process.kill()
        process.wait()


def test_an_interrupted_demo_reports_the_interruption_without_a_traceback(tmp_path: Path) -> None:
    web = tmp_path / "logs" / "web.log"
    assert interrupt(["demo"], tmp_path, web.exists) == 1
    wait_until_gone(processes_of(tmp_path), tmp_path, STOP_S)
    output = (tmp_path / "output").read_text()
    assert "The demo was interrupted." in output
    assert "Traceback" not in output


def test_an_interrupted_embedded_broker_stops_its_server(tmp_path: Path) -> None:
    assert interrupt(["embedded_broker"], tmp_path, (tmp_path / "broker.sock").exists) == 0
    wait_until_gone(processes_of(tmp_path), tmp_path, STOP_S)


def test_an_interrupted_simulator_exits_with_status_zero(tmp_path: Path) -> None:
    addresses = [f"--api=127.0.0.1:{free_port()}", f"--cdn=127.0.0.2:{free_port()}"]
    output = tmp_path / "output"
    is_started = lambda: "TWILIO_ACCOUNT_SID" in output.read_text()  # noqa: E731
    assert interrupt(["simulate_twilio", *addresses, "--send", "100"], tmp_path, is_started) == 0
