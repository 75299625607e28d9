"""Slow apps hold up neither other webhooks nor the health check of the real web server."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.webhooks import PATHS
from tests.support.apps import TWIML, App, Reply, app
from tests.support.service import Service, running
from tests.support.webhooks import post

pytestmark = pytest.mark.services

MESSAGES = 16
APP_TAKES_S = 10.0
# Limit of the median on a busy machine, as in the test of slow clients.
QUICK_S = 1.0


@pytest.fixture(scope="module")
def may_respond() -> threading.Event:
    """Return what the slow app waits for before it answers, for a minute at most."""
    return threading.Event()


@pytest.fixture(scope="module")
def slow_app(may_respond: threading.Event) -> Iterator[App]:
    with app(Reply(wait=lambda: may_respond.wait(60))) as bot:
        yield bot


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, slow_app: App) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("data")
    file = folder / "gateway.json"
    file.write_text(json.dumps([{"name": "bot", "url": slow_app.url, "sources": ["messaging"]}]))
    # The budget leaves room for a machine that is busy with other tests.
    with running(folder, GATEWAY_FILE=str(file), GATEWAY_BUDGET="14s") as service:
        yield service


def test_a_stopping_web_server_records_the_responses_of_pending_requests(tmp_path: Path) -> None:
    with app(Reply(wait=lambda: time.sleep(APP_TAKES_S))) as bot:
        file = tmp_path / "gateway.json"
        file.write_text(json.dumps([{"name": "bot", "url": bot.url}]))
        with running(tmp_path, GATEWAY_FILE=str(file), GATEWAY_BUDGET="1s") as service:
            assert answer_to_sms(service, 0) in {"<Response/>", TWIML}
    ask = "from mediapipe.models import GatewayDelivery as G; print(G.objects.get().status)"
    assert service.manage("shell", "--verbosity=0", "-c", ask).strip() == "delivered"


def answer_to_sms(service: Service, number: int) -> str:
    url, token = service.url + PATHS["messaging"], service.env["TWILIO_AUTH_TOKEN"]
    sms = payloads.sms().changed(From=f"+1555100{number:04}")
    return post(sms, url, token).decode()


def elapsed_s(service: Service) -> float:
    """Send a webhook that no app gets and read /healthz; return how many seconds both took."""
    began = time.monotonic()
    assert service.twilio.send(payloads.recording_status()) == 200
    with urllib.request.urlopen(f"{service.url}/healthz", timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
    return time.monotonic() - began


def test_sixteen_messages_to_a_slow_app_do_not_delay_other_requests(
    service: Service, slow_app: App, may_respond: threading.Event
) -> None:
    with ThreadPoolExecutor(MESSAGES) as threads:
        answers = [threads.submit(answer_to_sms, service, n) for n in range(MESSAGES)]
        deadline = time.monotonic() + 30
        while len(slow_app.requests) < MESSAGES:
            assert time.monotonic() < deadline, f"{len(slow_app.requests)} messages reached the app"
            time.sleep(0.05)
        took_s = [elapsed_s(service) for _ in range(7)]
        may_respond.set()
        assert median(took_s) < QUICK_S, took_s
        assert [answer.result(60) for answer in answers] == [TWIML] * MESSAGES
    assert len(slow_app.requests) == MESSAGES
