from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import fmean

import pytest

from mediapipe.simulator import payloads, traffic
from mediapipe.simulator.payloads import Webhook
from tests.support import servers
from tests.support.service import Line, Service, running, unexpected_errors, wait_for

pytestmark = pytest.mark.services

SHOW_RESULTS = """
import json
from django_celery_results.models import TaskResult
from mediapipe.models import FetchAttempt
ids = FetchAttempt.objects.filter(media__media_sid="{sid}").values("task_id")
for result in TaskResult.objects.filter(task_id__in=ids).values("task_name", "status"):
    print(json.dumps(result))
"""
# The test itself makes the media available, however slow this machine is.
NEVER_S = 3600.0
WEBHOOKS = 500
RATE = 50.0


@pytest.fixture(params=["postgresql-rabbitmq", "postgresql-redis", "embedded"], scope="module")
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Run the service on each pair of database and broker."""
    with ExitStack() as stack:
        env = {}
        if request.param != "embedded":
            broker = servers.rabbitmq if "rabbitmq" in request.param else servers.redis_number
            env["DATABASE_URL"] = stack.enter_context(servers.postgresql())
            env["CELERY_BROKER_URL"] = stack.enter_context(broker())
        yield stack.enter_context(running(tmp_path_factory.mktemp("data"), **env))


@pytest.fixture(autouse=True)
def _no_unexpected_errors(service: Service) -> Iterator[None]:
    yield
    assert unexpected_errors(Path(service.env["DATA_DIR"]) / "logs") == []


def test_every_media_item_of_a_busy_minute_is_stored_once(service: Service) -> None:
    sent: list[Webhook] = []

    def send(webhook: Webhook) -> int:
        sent.append(webhook)
        return service.twilio.send(webhook)

    statuses = traffic.stream(send, WEBHOOKS, rate=RATE, seed=7)
    assert statuses == {200: WEBHOOKS}
    scripts = {script.sid: script for webhook in sent for script in webhook.media}
    lines = service.wait_until_settled(len(scripts), timeout_s=150)
    assert {line["status"] for line in lines} == {"stored"}
    assert sorted(sid_of(line) for line in lines) == sorted(scripts)
    for line in lines:
        script = scripts[sid_of(line)]
        assert line["sha256"] == script.sha256
        assert hashlib.sha256(service.stored_bytes(line)).hexdigest() == script.sha256
    assert service.twilio.log.credentials_at_cdn() == []
    waits = [
        excess_wait_s(line, available)
        for line in lines
        if (available := scripts[sid_of(line)].available_at)
    ]
    print(f"excess wait: mean {fmean(waits):.2f} s, max {max(waits):.2f} s")  # noqa: T201


def test_every_request_to_twilio_is_recorded_as_an_attempt(service: Service) -> None:
    webhook = payloads.mms(2, delay_s=NEVER_S)
    service.twilio.send(webhook)
    (since,) = [delivery.sent_at for delivery in service.twilio.deliveries()][-1:]
    for script in webhook.media:
        service.twilio.log.wait_for(script.sid, 2, timeout_s=60)
        script.delay_s = 0
    lines = service.wait_until_settled(2)
    lines = service.export("--since", since.isoformat())
    for line in lines:
        requests = service.twilio.log.of(sid_of(line), "api")
        assert line["attempts"] == len(requests) > 1
        assert line["not_found_count"] == [entry.status for entry in requests].count(404)
        assert line["last_not_found_at"] <= line["retrieved_at"]


def test_the_result_backend_shows_a_task_as_a_retry_and_then_as_a_success(service: Service) -> None:
    webhook = payloads.mms(1, delay_s=NEVER_S)
    (media,) = webhook.media
    service.twilio.send(webhook)
    script = SHOW_RESULTS.format(sid=media.sid)

    def results() -> list[Line]:
        output = service.manage("shell", "--verbosity=0", "--command", script)
        return [json.loads(line) for line in output.splitlines()]

    retried = {"task_name": "tasks.fetch_media.fetch_media", "status": "RETRY"}
    succeeded = retried | {"status": "SUCCESS"}
    assert wait_for(results, [retried].__eq__, 60) == [retried]
    media.delay_s = 0
    assert wait_for(results, [succeeded].__eq__, 60) == [succeeded]


def test_twenty_simultaneous_copies_of_a_webhook_are_recorded_once(
    service: Service, tmp_path: Path
) -> None:
    webhook = payloads.mms(3)
    statuses = traffic.stream(lambda _: service.twilio.send(webhook), 20, rate=1000, seed=1)
    assert statuses == {200: 20}
    sids = {script.sid for script in webhook.media}
    service.wait_until_settled(3)
    lines = [line for line in service.export() if sid_of(line) in sids]
    assert len(lines) == 3
    assert all(len(service.twilio.log.of(sid, "cdn")) == 1 for sid in sids)


def sid_of(line: Line) -> str:
    return str(line["media_sid"] or line["recording_sid"])


def excess_wait_s(line: Line, available_at: datetime) -> float:
    """Return the seconds from the availability of the media to the stored file."""
    possible = max(available_at, datetime.fromisoformat(line["webhook_received_at"]))
    return (datetime.fromisoformat(line["retrieved_at"]) - possible).total_seconds()
