"""The real web server while many clients guess passwords."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from mediapipe.operations import programs
from mediapipe.operations.supervisor import Supervisor
from mediapipe.simulator.webhooks import PATHS, sign
from tests.support import make, servers
from tests.support.servers import free_port
from tests.support.service import ROOT, wait_for_line
from tests.support.webhooks import mms

pytestmark = pytest.mark.services

CLIENTS = 40
ATTACK_S = 12.0
# Each client pauses between two guesses; otherwise this process would take most of the CPU.
PAUSE_S = 0.1
# Limit for the median; single requests may be slow because other tests run on this machine.
QUICK_S = 1.0
# Django's CSRF check accepts any token that cookie and form share.
CSRF = "a" * 32


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """Run the web server alone, with a broker."""
    bind = f"127.0.0.1:{free_port()}"
    with servers.redis_number() as broker:
        env = {
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'mediapipe.sqlite3'}",
            "CELERY_BROKER_URL": broker,
            "PUBLIC_BASE_URL": f"http://{bind}",
            "TWILIO_ACCOUNT_SID": make.ACCOUNT,
            "TWILIO_AUTH_TOKEN": make.TOKEN,
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, env=env, check=True, timeout=120)
        with Supervisor([programs.web(bind)], env=env, log_dir=tmp_path):
            wait_for_line(tmp_path / "web.log", "Listening")
            yield f"http://{bind}"


def status_of(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def guess(origin: str, name: str) -> int:
    fields = {"username": name, "password": "wrong", "csrfmiddlewaretoken": CSRF}
    body = urllib.parse.urlencode(fields).encode()
    headers = {"Cookie": f"csrftoken={CSRF}"}
    return status_of(urllib.request.Request(f"{origin}/admin/login/", body, headers))  # noqa: S310


def webhook_s(origin: str) -> float:
    """Return how long the server takes for a signed webhook."""
    webhook = mms()
    request = sign(webhook, origin + PATHS[webhook.source], make.TOKEN)
    began = time.monotonic()
    sent = urllib.request.Request(request.url, request.body.encode(), dict(request.headers))  # noqa: S310
    assert status_of(sent) == 200
    return time.monotonic() - began


def test_webhooks_stay_quick_while_many_clients_guess_passwords(origin: str) -> None:
    # The first webhooks open the connections to the database and the broker.
    for _ in range(4):
        webhook_s(origin)
    statuses: Counter[int] = Counter()
    deadline = time.monotonic() + ATTACK_S

    def attack(number: int) -> None:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                statuses[guess(origin, f"user{number}")] += 1
            time.sleep(PAUSE_S)

    clients = [threading.Thread(target=attack, args=[number]) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    delays_s = []
    while time.monotonic() < deadline:
        time.sleep(0.5)
        delays_s.append(webhook_s(origin))
    for client in clients:
        client.join()
    assert statuses[429] > statuses[200] > 0
    assert median(delays_s) < QUICK_S
