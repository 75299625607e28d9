"""Media that a worker stores while its memory is measured.

It imports models: import it only after Django is set up.
"""

from __future__ import annotations

import time
from datetime import timedelta

from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent
from mediapipe.queueing.dispatch import dispatch
from tests.benchmarks import twilio
from tests.benchmarks.backlog import announced, save

POLL_EVERY_S = 0.2


class Stored:
    """Media of the simulated Twilio at this port, and how much of it a worker has stored."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0

    def store(self, count: int, size: int, answer_ms: int, stalled_s: float) -> None:
        """Announce `count` bodies, wait until all are stored; raise TimeoutError if that stalls."""
        events, items = announced(
            [twilio.media_url(self.port, size, answer_ms) for _ in range(count)]
        )
        save(events, items)
        assert dispatch([item.pk for item in items]), "The broker did not accept all tasks."
        self.count += count
        done, changed = -1, time.monotonic()
        while done < self.count:
            time.sleep(POLL_EVERY_S)
            now = MediaItem.objects.stored().count()
            if now != done:
                done, changed = now, time.monotonic()
            elif time.monotonic() - changed > stalled_s:
                raise TimeoutError(f"{done} of {self.count} are stored, without progress.")

    def max_concurrent(self) -> int:
        """Return the maximum number of concurrent attempts."""
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
        """Delete the rows before the next worker begins."""
        WebhookEvent.objects.all().delete()
