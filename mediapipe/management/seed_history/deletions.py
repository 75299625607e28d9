from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from mediapipe.lifecycle.delete_at_provider import DRY_RUN
from mediapipe.management.seed_history.outbox import Fate, outbox_columns
from mediapipe.models import Deletion, MediaItem
from mediapipe.models.outbox import DeliveryStatus

HELD = "Not every receiver has taken the item yet."
DELETED = "Twilio responded with 204: deleted."
FATES = (
    Fate(85, DeliveryStatus.DELIVERED, (DELETED,)),
    Fate(8, DeliveryStatus.DELIVERED, (HELD, DELETED)),
    Fate(4, DeliveryStatus.FAILED, ("The SHA-256 of the stored file differs.",)),
    Fate(3, DeliveryStatus.WAITING, (HELD,)),
)
TRIED = (Fate(1, DeliveryStatus.DELIVERED, (DRY_RUN,)),)
DRY_RUN_SHARE = 0.1
AFTER = timedelta(minutes=2)


def deletions(media: list[MediaItem], until: datetime, rng: Random) -> Iterator[Deletion]:
    """Yield a deletion at Twilio for each item that was stored more than AFTER before `until`."""
    for item in media:
        if item.retrieved_at and item.retrieved_at + AFTER < until:
            dry_run = rng.random() < DRY_RUN_SHARE
            fates = TRIED if dry_run else FATES
            columns = outbox_columns(fates, item.retrieved_at + AFTER, until, rng)
            yield Deletion(media=item, dry_run=dry_run, **columns)
