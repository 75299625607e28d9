from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from mediapipe.models.hot_sql import insert, run

BEAT = "beat"
SWEEP = "sweep"
WORKER = "worker "
# Who has not been heard of for so long is taken for dead: several times as long as any pause.
SILENT_AFTER = timedelta(seconds=60)
# The rows of workers that ended for good are looked at by nobody after this time.
FORGOTTEN_AFTER = timedelta(days=7)


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """The questions that are asked of heartbeats."""

    def alive(self, now: datetime) -> HeartbeatQuerySet:
        """Those that were heard a moment ago."""
        return self.filter(seen_at__gt=now - SILENT_AFTER)

    def workers(self) -> HeartbeatQuerySet:
        """Those of workers."""
        return self.filter(part__startswith=WORKER)

    def forgotten(self, now: datetime) -> HeartbeatQuerySet:
        """Those that need not be kept."""
        return self.filter(seen_at__lt=now - FORGOTTEN_AFTER)


class Heartbeat(models.Model):
    """When a part of the service was last heard of: `beat`, `worker <name>`, or the `sweep`.

    Beat and workers say so of themselves; the sweep is what beat orders and a worker does, so
    it tells that what one publishes reaches the other.
    """

    part = models.CharField(max_length=160, unique=True)
    seen_at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.part

    @staticmethod
    def note(part: str) -> None:
        """Write down that this part is alive now.

        By a single statement without a transaction: who froze within one would hold the row, and
        with the row of the sweep all other sweeps.
        """
        row = Heartbeat(part=part[:160], seen_at=timezone.now())
        run(insert(row, unique="part", instead=("seen_at",)))
