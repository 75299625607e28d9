from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random

from mediapipe.lifecycle.export import media_document
from mediapipe.management.seed_history.outbox import Fate, outbox_columns
from mediapipe.models import Completion, HandOff, MediaItem, Receiver, Status
from mediapipe.models.outbox import DeliveryStatus

TAKEN = "crm.example.com: 200 ok"
FATES = (
    Fate(90, DeliveryStatus.DELIVERED, (TAKEN,)),
    Fate(5, DeliveryStatus.DELIVERED, ("crm.example.com: 503 busy", TAKEN)),
    Fate(3, DeliveryStatus.FAILED, ("crm.example.com: 410 unknown customer",)),
    Fate(2, DeliveryStatus.WAITING, ("crm.example.com: 500",)),
)


def hand_offs(media: list[MediaItem], until: datetime, rng: Random) -> Iterator[HandOff]:
    """Yield the hand-off by webhook of each of these items that was stored or has failed."""
    for item in media:
        if item.status not in (Status.STORED, Status.FAILED):
            continue
        ending = Completion.STORED if item.status == Status.STORED else Completion.FAILED
        ended_at = item.retrieved_at or item.failed_at or item.received_at
        payload = {"type": ending, "timestamp": ended_at.isoformat(), "data": media_document(item)}
        yield HandOff(
            media=item,
            receiver=Receiver.WEBHOOK,
            ending=ending,
            payload=payload,
            **outbox_columns(FATES, ended_at, until, rng),
        )
