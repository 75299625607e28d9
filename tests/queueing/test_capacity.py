"""The dispatcher asks the broker how many more messages its queues can take."""

from __future__ import annotations

import pytest
from kombu import Connection

from mediapipe.queueing import broker
from mediapipe.settings.queues import MEDIA
from tests.support.servers import free_port


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_an_unavailable_broker_has_no_capacity(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(
        broker,
        "bounded_connection",
        lambda: Connection(url, connect_timeout=1, transport_options=broker.BOUNDS),
    )
    assert broker.queue_capacity(MEDIA) == 0
