"""The service on RabbitMQ's quorum queues, where the broker itself delays retries."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env
from pytest_django import Settings

from mediapipe.queueing.countdown import countdown_s
from mediapipe.settings.broker import queue_type
from mediapipe.simulator import faults, payloads
from tests.support import servers
from tests.support.service import running

TWO_404S = [faults.Status(404)] * 2


@pytest.mark.services
def test_late_media_is_stored_and_none_of_its_messages_is_lost(tmp_path: Path) -> None:
    with (
        servers.rabbitmq() as broker,
        running(tmp_path, CELERY_BROKER_URL=broker, QUEUE_TYPE="quorum") as service,
    ):
        for _ in range(10):
            assert service.twilio.send(payloads.mms(2, faults=TWO_404S)) == 200
        lines = service.wait_until_settled(20)
    assert {line["status"] for line in lines} == {"stored"}
    assert {line["not_found_count"] for line in lines} == {len(TWO_404S)}
    # The dispatcher would replace a lost or prematurely delivered message after a minute.
    assert "media items dispatched to queue" not in (tmp_path / "logs" / "worker.log").read_text()


def test_countdowns_on_quorum_queues_are_rounded_up_to_whole_seconds(settings: Settings) -> None:
    settings.QUEUE_TYPE = "quorum"
    assert [countdown_s(delay_s) for delay_s in (0.3, 1.0, 1.1)] == [1, 1, 2]


def test_countdowns_on_other_queues_are_not_rounded() -> None:
    assert countdown_s(1.1) == 1.1


@pytest.mark.parametrize(
    ("value", "broker"), [("quick", "amqp://host"), ("quorum", "redis://host")]
)
def test_a_queue_type_that_the_broker_does_not_support_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, broker: str
) -> None:
    monkeypatch.setenv("QUEUE_TYPE", value)
    with pytest.raises(ImproperlyConfigured, match="QUEUE_TYPE"):
        queue_type(Env(), "QUEUE_TYPE", broker)
