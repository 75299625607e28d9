"""Sends the catalogue of broken framing to the real web server, over raw sockets."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediapipe.operations import programs
from mediapipe.operations.supervisor import Supervisor
from tests.support import make
from tests.support.bad_input import frames
from tests.support.bad_input.cases import BadFrame
from tests.support.bad_input.frame_parts import PATH, PUBLIC, Request
from tests.support.servers import free_port
from tests.support.service import ROOT, wait_for_line

pytestmark = pytest.mark.services

STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3}) ")


@dataclass(frozen=True)
class Web:
    """A separate web server without a broker, and its database."""

    port: int
    data_dir: Path

    def send(self, *parts: bytes) -> tuple[int, ...]:
        """Send these parts, close our side, and return the statuses of all responses."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            # The server may refuse the first part and close the connection at once.
            with contextlib.suppress(ConnectionError):
                for number, part in enumerate(parts):
                    time.sleep(0.05 * bool(number))
                    connection.sendall(part)
            # A server that reset the connection is no longer at the other end.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            return tuple(int(status) for status in STATUS.findall(_read(connection)))

    def recorded(self, message_sid: str) -> bool:
        """Return whether there is an event for this message."""
        query = "SELECT count(*) FROM mediapipe_webhookevent WHERE subject_sid = ?"
        return self._number(query, message_sid) > 0

    def refused(self, reason: str) -> int:
        """Return how many webhooks were refused for this reason."""
        return self._number(
            "SELECT coalesce(sum(count), 0) FROM mediapipe_rejection WHERE reason = ?", reason
        )

    def _number(self, query: str, value: str) -> int:
        with contextlib.closing(sqlite3.connect(self.data_dir / "mediapipe.sqlite3")) as database:
            return int(database.execute(query, [value]).fetchone()[0])


def _read(connection: socket.socket) -> bytes:
    response = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            response += more
    return response


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Run the web server alone; nothing listens at the address of its broker."""
    data_dir, port = tmp_path_factory.mktemp("data"), free_port()
    env = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"sqlite:///{data_dir / 'mediapipe.sqlite3'}",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
        "PUBLIC_BASE_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": make.ACCOUNT,
        "TWILIO_AUTH_TOKEN": make.TOKEN,
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True, timeout=60)
    with Supervisor([programs.web(f"127.0.0.1:{port}")], env=env, log_dir=data_dir):
        wait_for_line(data_dir / "web.log", "Booting worker with pid")
        # The first response comes once the app is loaded.
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60).close()
        yield Web(port, data_dir)


@pytest.mark.parametrize("case", frames.CASES, ids=lambda case: case.name)
def test_a_broken_frame_is_answered_and_recorded_as_its_case_expects(
    case: BadFrame, web: Web
) -> None:
    assert web.send(*case.parts) == case.statuses
    assert web.recorded(case.sid) == case.recorded


@pytest.mark.parametrize(
    ("reason", "case"),
    [
        (
            "head_too_large",
            frames.line("too long", f"GET {PATH}?{'a' * 70_000} HTTP/1.1"),
        ),
        ("body_too_large", frames.lengths("too large", "1048577")),
    ],
)
def test_a_webhook_over_a_server_limit_is_refused_and_counted(
    reason: str, case: BadFrame, web: Web
) -> None:
    before = web.refused(reason)
    assert web.send(*case.parts) in {(413,), (431,)}
    assert web.refused(reason) == before + 1


def test_unreadable_requests_are_answered_400_and_not_logged(web: Web) -> None:
    before = (web.data_dir / "web.log").stat().st_size
    for _ in range(20):
        assert web.send(b"GET /\x01\x02 HTTP/1.1\r\n\r\n") == (400,)
    assert (web.data_dir / "web.log").stat().st_size == before


def test_the_web_server_still_responds_after_all_malformed_requests(web: Web) -> None:
    request = Request("the last")
    assert web.send(request.post()) == (200,)
    assert "Traceback" not in (web.data_dir / "web.log").read_text()
