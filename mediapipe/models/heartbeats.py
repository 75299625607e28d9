from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from mediapipe.models import hot_sql

# The values of `part`; a worker's is this prefix plus its host name.
BEAT = "beat"
SWEEP = "sweep"
WORKER = "worker "
# A component is considered dead after this: ten times the interval of its heartbeats.
SILENT_AFTER = timedelta(seconds=30)
# The rows of workers that were stopped permanently are deleted after this.
KEEP_FOR = timedelta(days=7)


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def alive(self, now: datetime) -> HeartbeatQuerySet:
        return self.filter(seen_at__gt=now - SILENT_AFTER)

    def workers(self) -> HeartbeatQuerySet:
        return self.filter(part__startswith=WORKER)

    def expired(self, now: datetime) -> HeartbeatQuerySet:
        return self.filter(seen_at__lt=now - KEEP_FOR)


class Heartbeat(models.Model):
    """When a component was last seen: `beat`, `worker <name>`, or the dispatcher (`sweep`).

    Beat and workers write their own rows. The dispatcher runs in a worker when beat triggers it,
    so its row shows that beat's messages reach the workers.
    """

    part = models.CharField(max_length=160, unique=True)
    seen_at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.part

    @classmethod
    def workers_silent_since(cls, moment: datetime) -> list[str]:
        """Return the names of the workers that were not seen after this moment."""
        parts = cls.objects.workers().filter(seen_at__lte=moment).values_list("part", flat=True)
        return [part.removeprefix(WORKER) for part in parts]

    @classmethod
    def record(cls, part: str) -> None:
        """Set the time at which this component was last seen to now (UTC).

        Without a transaction: a process that froze within one would keep the row locked, and if it
        is the dispatcher's row, block every other dispatcher.
        """
        hot_sql.upsert(cls(part=part[:160], seen_at=timezone.now()), "part", ("seen_at",))
