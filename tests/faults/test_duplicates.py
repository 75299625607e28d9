"""One webhook sent two hundred times concurrently is one event."""

from __future__ import annotations

import pytest

from mediapipe.simulator import payloads
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = [pytest.mark.services, pytest.mark.both_brokers]


def test_media_is_downloaded_once_if_its_webhook_arrives_200_times_at_once(
    world: World, settled: Settled
) -> None:
    webhook = payloads.mms(3)
    world.send(*[webhook] * 200)
    assert settled("duplicates", "200 of one webhook at once").all_stored_once
    assert all(len(world.twilio.log.of(script.sid, "cdn")) == 1 for script in webhook.media)
