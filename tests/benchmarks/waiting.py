"""Media that waits for its next attempt, and how late the attempts were.

It imports models: import it only after Django is set up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import connection
from django.db.models import F
from django.utils import timezone
from kombu import Connection, Producer

from mediapipe.failures import TransientMedia404
from mediapipe.models import FetchAttempt, Heartbeat, MediaItem, Status
from mediapipe.models.heartbeats import SWEEP
from mediapipe.models.status import DELIVERY_TIMEOUT, Phase
from mediapipe.settings.queues import RETRIES
from tasks.fetch_media import fetch_media
from tests.benchmarks import twilio
from tests.benchmarks.backlog import announced, save
from tests.benchmarks.records import percentile

# As if each had failed this many times before: those in the fast phase then have the maximum delay.
ATTEMPTS = 11
BATCH = 2000
# The first item is due when all this is done; slower machines begin with a backlog.
SEEDED_A_SECOND, PUBLISHED_A_SECOND = 1600, 250
LATE_S = 2.0


@dataclass(frozen=True)
class Punctuality:
    """How late the attempts were that were due in a period, in seconds.

    `felt_s` is from the beginning until the last due time of an attempt more than LATE_S late.
    """

    due: int
    p50_s: float
    p99_s: float
    max_s: float
    late: int
    felt_s: float


class Waiting:
    """Items due at a steady rate, half in the fast and half in the slow phase."""

    def __init__(self, items: int, rate: float, messages: int) -> None:
        """`messages` items in the fast phase wait as messages; `rate` of all are due per second."""
        self.items, self.rate, self.messages = items, rate, messages
        self.due: dict[int, datetime] = {}
        self.fast: list[int] = []

    def wait_for_sweep(self, timeout_s: float = 90.0) -> None:
        """Empty the tables, and wait for a sweep; raise TimeoutError if there is none."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE mediapipe_webhookevent CASCADE")
        Heartbeat.objects.filter(part=SWEEP).delete()
        deadline = time.monotonic() + timeout_s
        while not Heartbeat.objects.filter(part=SWEEP).exists():
            if time.monotonic() > deadline:
                raise TimeoutError("No sweep ran in time.")
            time.sleep(0.5)

    def seed(self, port: int) -> datetime:
        """Insert the rows; return when the first is due."""
        rng = Random(5)
        takes_s = self.items / SEEDED_A_SECOND + self.messages / PUBLISHED_A_SECOND
        begin = timezone.now() + timedelta(seconds=takes_s)
        for first in range(0, self.items, BATCH):
            size = min(BATCH, self.items - first)
            events, items = announced([twilio.media_url(port, 0, 0) for _ in range(size)])
            for number, item in enumerate(items, first):
                after_s = (number + rng.random()) / self.rate
                _wait(item, number, begin + timedelta(seconds=after_s))
            save(events, items)
            self.due |= {item.pk: item.next_attempt_at for item in items if item.next_attempt_at}
            self.fast += [item.pk for item in items if item.phase == Phase.FAST]
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return begin

    def publish(self, url: str) -> None:
        """Publish the items that wait as messages, a random sample of the fast phase."""
        chosen = Random(6).sample(self.fast, min(self.messages, len(self.fast)))
        published = MediaItem.objects.filter(pk__in=chosen)
        published.update(sweep_at=F("next_attempt_at") + DELIVERY_TIMEOUT)
        with Connection(url) as broker:
            producer = Producer(broker)
            for pk in chosen:
                left_s = (self.due[pk] - timezone.now()).total_seconds()
                fetch_media.apply_async(
                    kwargs={"media_id": pk},
                    queue=RETRIES,
                    producer=producer,
                    countdown=max(0.0, left_s),
                )

    def settle(self, until: datetime, patience_s: float) -> int:
        """Wait for the attempts due before `until`; return how many were not made."""
        deadline = time.monotonic() + patience_s
        while missing := sum(1 for _, started in self._attempts(until) if started is None):
            if time.monotonic() > deadline:
                break
            time.sleep(1)
        return missing

    def unfinished(self) -> int:
        """Return how many unfinished items a sweep will find."""
        return MediaItem.objects.unfinished().filter(sweep_at__isnull=False).count()

    def punctuality(self, begin: datetime, end: datetime, before_s: float) -> Punctuality:
        """Return how late the attempts due in this period were; those never made do not count.

        The period is shifted by `before_s`: both its ends are that much earlier.
        """
        before = timedelta(seconds=before_s)
        waits = [
            (due, (started - due).total_seconds())
            for due, started in self._attempts(end - before)
            if due >= begin - before and started
        ]
        late = [due for due, late_s in waits if late_s > LATE_S]
        lateness_s = [max(0.0, late_s) for _, late_s in waits]
        return Punctuality(
            due=len(waits),
            p50_s=percentile(lateness_s, 0.5),
            p99_s=percentile(lateness_s, 0.99),
            max_s=max(lateness_s, default=0.0),
            late=len(late),
            felt_s=max(0.0, (max(late) - begin).total_seconds()) if late else 0.0,
        )

    def _attempts(self, until: datetime) -> Iterator[tuple[datetime, datetime | None]]:
        made = FetchAttempt.objects.filter(number=ATTEMPTS + 1)
        started = dict(made.values_list("media_id", "started_at"))
        for pk, due in self.due.items():
            if due < until:
                yield due, started.get(pk)


def _wait(item: MediaItem, number: int, due: datetime) -> None:
    """Give an item the state in which its last attempt would have left it."""
    is_fast = number % 2 == 0
    item.status = Status.RETRYING
    item.error = "not_ready"
    item.attempts = item.not_found_count = ATTEMPTS
    item.first_attempt_at = item.budget_started_at = item.last_not_found_at = item.received_at
    item.phase = Phase.FAST if is_fast else Phase.SLOW
    item.fast_retries = {TransientMedia404.slug: ATTEMPTS - 1}
    item.slow_retries = 0 if is_fast else 1
    item.next_attempt_at = item.sweep_at = due
