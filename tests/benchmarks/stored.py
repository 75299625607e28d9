"""Media that a worker stores while its memory is looked at.

Imported once Django is set up, because it is about our own models.
"""

from __future__ import annotations

import time
from datetime import timedelta

from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent
from mediapipe.queueing.dispatch import dispatch
from tests.benchmarks import twilio
from tests.benchmarks.backlog import announced, save

LOOK_EVERY_S = 0.2


class Stored:
    """What one worker has stored of the media at this port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0

    def store(self, count: int, size: int, answer_ms: int, stalled_s: float) -> None:
        """Announce this many bodies, and wait until all are stored; raise TimeoutError if not."""
        events, items = announced(
            [twilio.media_url(self.port, size, answer_ms) for _ in range(count)]
        )
        save(events, items)
        assert dispatch([item.pk for item in items]), "The broker did not take it all."
        self.count += count
        done, changed = -1, time.monotonic()
        while done < self.count:
            time.sleep(LOOK_EVERY_S)
            now = MediaItem.objects.stored().count()
            if now != done:
                done, changed = now, time.monotonic()
            elif time.monotonic() - changed > stalled_s:
                raise TimeoutError(f"{done} of {self.count} are stored, and no more come.")

    def most_at_once(self) -> int:
        """Return how many attempts were open at the same time."""
        attempts = FetchAttempt.objects.values_list("started_at", "duration_s")
        begun = [(at, 1) for at, _ in attempts]
        ended = [(at + timedelta(seconds=took_s or 0), -1) for at, took_s in attempts]
        open_now = most = 0
        for _, change in sorted(begun + ended):
            open_now += change
            most = max(most, open_now)
        return most

    @staticmethod
    def forget() -> None:
        """Delete the rows, so that the next worker begins without any."""
        WebhookEvent.objects.all().delete()
