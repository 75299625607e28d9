"""`manage.py run` as people use it: started, interrupted, misconfigured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from mediapipe.management.commands.run import Command
from tests.support.make import ACCOUNT, TOKEN
from tests.support.processes import processes_of, send_signals, wait_until_gone
from tests.support.servers import free_port
from tests.support.service import ROOT, is_ready

pytestmark = pytest.mark.services

START_S = 60
STOP_S = 60


@contextmanager
def run(data_dir: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Start `manage.py run` in its own session with its output in a file; stop it at the end."""
    account = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN}
    with (data_dir / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            env={**os.environ, **account, "DATA_DIR": str(data_dir), **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Under nohup SIGHUP is ignored, and `run` would keep it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(STOP_S)


def wait_until_serving(bind: str) -> None:
    deadline = time.monotonic() + START_S
    while not is_ready(f"http://{bind}"):
        assert time.monotonic() < deadline, "it did not start"
        time.sleep(0.2)


def children_of(pid: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(child) for child in found.stdout.split()]


def valkey_servers(data_dir: Path) -> set[str]:
    """Return the ids of the Valkey servers that use this data folder."""
    found = subprocess.run(
        ["pgrep", "-f", f"valkey-server.*{data_dir}"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return set(found.stdout.split())


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(tmp_path: Path, number: int) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with run(tmp_path, WEB_BIND=bind) as process:
        wait_until_serving(bind)
        children = children_of(process.pid)
        # These are Gunicorn's two workers and the Valkey server.
        grandchildren = [pid for child in children for pid in children_of(child)]
        process.send_signal(number)
        assert process.wait(STOP_S) == 0
    assert (len(children), len(grandchildren)) == (6, 3)
    assert not any(map(is_alive, [*children, *grandchildren]))


def test_a_thousand_signals_stop_everything(tmp_path: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with run(tmp_path, WEB_BIND=bind) as process:
        wait_until_serving(bind)
        send_signals(process.pid, 1000)
        assert process.wait(STOP_S) == 0
        wait_until_gone(processes_of(tmp_path), tmp_path, STOP_S)


def test_signals_during_startup_leave_no_process_behind(tmp_path: Path) -> None:
    with run(tmp_path, WEB_BIND=f"127.0.0.1:{free_port()}") as process:
        deadline = time.monotonic() + START_S
        while not children_of(process.pid):
            assert time.monotonic() < deadline, "nothing was started"
            time.sleep(0.02)
        send_signals(process.pid, 1000)
        assert process.wait(STOP_S) == 0
        wait_until_gone(processes_of(tmp_path), tmp_path, STOP_S)


def test_the_programs_of_a_killed_run_end_and_the_next_run_starts(tmp_path: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with run(tmp_path, WEB_BIND=bind) as process:
        wait_until_serving(bind)
        before = processes_of(tmp_path)
        process.kill()
        process.wait()
        with run(tmp_path, WEB_BIND=bind) as process:
            wait_until_gone(before, tmp_path, STOP_S)
            wait_until_serving(bind)
            assert len(children_of(process.pid)) == 6
    assert "Another instance" not in (tmp_path / "output").read_text()


def test_nothing_is_written_into_the_home_directory(tmp_path: Path) -> None:
    home, bind = tmp_path / "home", f"127.0.0.1:{free_port()}"
    home.mkdir()
    with run(tmp_path, WEB_BIND=bind, HOME=str(home)):
        wait_until_serving(bind)
    assert list(home.iterdir()) == []


def test_a_program_that_dies_is_restarted(tmp_path: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with run(tmp_path, WEB_BIND=bind) as process:
        wait_until_serving(bind)
        before, old_servers = set(children_of(process.pid)), valkey_servers(tmp_path)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + START_S
        while before & set(children_of(process.pid)) or valkey_servers(tmp_path) <= old_servers:
            assert time.monotonic() < deadline, "not every program was started again"
            time.sleep(0.2)
        wait_until_serving(bind)
        assert not old_servers & valkey_servers(tmp_path)
    assert not valkey_servers(tmp_path)


def test_a_missing_token_is_named_and_nothing_starts(tmp_path: Path) -> None:
    with run(tmp_path, TWILIO_AUTH_TOKEN="") as process:
        assert process.wait(START_S) == 1
    output = (tmp_path / "output").read_text()
    assert "No value for TWILIO_AUTH_TOKEN" in output
    assert "mediapipe.E001" in output
    assert "Traceback" not in output


def check_address(bind: str, settings: Settings) -> None:
    settings.WEB_BIND = bind
    Command()._check_address()


def test_an_address_in_use_is_refused_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with run(tmp_path, WEB_BIND=bind) as process:
            assert process.wait(START_S) == 1
    output = (tmp_path / "output").read_text()
    assert f"Cannot bind WEB_BIND {bind}" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0", ":0", "localhost:0"])
def test_a_free_address_is_accepted(settings: Settings, bind: str) -> None:
    check_address(bind, settings)


@pytest.mark.parametrize("bind", ["8000", "localhost", "192.0.2.1:0", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_bound_is_refused(settings: Settings, bind: str) -> None:
    with pytest.raises(CommandError, match=f"Cannot bind WEB_BIND {bind}"):
        check_address(bind, settings)
