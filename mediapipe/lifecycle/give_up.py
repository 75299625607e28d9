from __future__ import annotations

from django.db import transaction

from mediapipe.failures import GivenUp
from mediapipe.fetching.completion import outbox_rows, send_signal
from mediapipe.models import FetchAttempt, HandOff, MediaItem
from mediapipe.models.attempts import INTERRUPTED
from mediapipe.models.media.item import MediaQuerySet


def give_up(media: MediaQuerySet, why: str) -> list[MediaItem]:
    """End the unfinished ones of these items as failed, and return them.

    `why` names the user and the reason. Hand-offs and the signal follow, as after other failures.
    """
    with transaction.atomic():
        ids = media.give_up(GivenUp(why))
        running = FetchAttempt.objects.filter(media__in=ids, outcome="")
        running.update(outcome=INTERRUPTED, detail="given up")
        items = list(MediaItem.objects.filter(pk__in=ids).select_related("event"))
        rows = [row for item in items for row in outbox_rows(item, stored=False)]
        HandOff.objects.bulk_create([row for row in rows if isinstance(row, HandOff)])
        for item in items:
            send_signal(item)
    return items
