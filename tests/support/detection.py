"""Media that came late or on time, and the incidents that detection opens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine

from mediapipe.escalation import detection
from mediapipe.models import Incident, MediaItem, Status, WebhookEvent
from tests.support import make

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
LARGE, SMALL = "AC" + "1" * 32, "AC" + "2" * 32


def receive_media(
    count: int,
    account_sid: str = LARGE,
    *,
    hours_ago: float = 1.0,
    late: bool = False,
    **more: object,
) -> list[MediaItem]:
    """Take in media one second apart, available at once or, if `late`, after 10 seconds or more."""
    found = []
    for number in range(count):
        at = NOW - timedelta(hours=hours_ago) + timedelta(seconds=number)
        message = make.message(account_sid=account_sid, home_region="us1")
        event = WebhookEvent.from_message(message, provider="twilio", at=at)
        item = MediaItem.from_announcement(event, message.media[0], at)
        item.status, item.attempts, item.first_attempt_at = Status.STORED, 1, at
        item.found_at, item.queue_lag_s, item.delay_at_least_s = at, 0.1, 0.0
        if late:
            item.not_found_count, item.delay_at_least_s = 3, 10.0
        vars(item).update(more)
        event.save()
        found.append(item)
    return MediaItem.objects.bulk_create(found)


def detect_incidents(now: datetime = NOW) -> list[tuple[str, str, str]]:
    """Run the detectors; return cause, account and state of each incident."""
    with time_machine.travel(now, tick=False):
        detection.run_detectors(now)
    rows = Incident.objects.order_by("pk")
    return list(rows.values_list("cause", "account_sid", "state"))
