from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import models
from django.utils import timezone

HOUR = timedelta(hours=1)
# A change to the rows of an hour within this time after its end need not invalidate it: the change
# commits within the same time again, and only then is the hour counted.
COMMIT_LAG = timedelta(minutes=1)


class HourlyCounts(models.Model):
    """The counts of the media and webhooks that were received within one hour.

    `total` and `groups` are in the format `layout` of mediapipe/timing/tally.py. Items that were
    unfinished at `counted_at` are not in the counts but in `unfinished`, and are read when they
    are needed, so that attempts need not write here. Whatever changes a finished item must
    invalidate its hour, which sets `counted_at` to null.
    """

    start = models.DateTimeField(unique=True)
    counted_at = models.DateTimeField(null=True)
    layout = models.PositiveSmallIntegerField(default=0)
    unfinished = models.JSONField(default=list)
    total = models.BinaryField(default=b"")
    groups = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "hourly counts"

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}"

    @classmethod
    def lock(cls, start: datetime) -> HourlyCounts:
        """Return the row of this hour, locked until the end of the transaction."""
        cls.objects.get_or_create(start=start)
        return cls.objects.select_for_update().get(start=start)

    @staticmethod
    def may_include(at: datetime) -> bool:
        """Return whether the hour of this time may already have been counted, or may be soon."""
        return start_of_hour(at) + HOUR + COMMIT_LAG <= timezone.now()

    @classmethod
    def invalidate(cls, received: Iterable[datetime]) -> None:
        """Have the hours of these times counted again.

        Call it in the transaction that changes the rows: it waits for a count that is running,
        which cannot see the change, and a later count waits for the change. Hours that are too
        recent to have been counted need no write.
        """
        hours = sorted({start_of_hour(at) for at in received if cls.may_include(at)})
        HourlyCounts.objects.bulk_create(
            [HourlyCounts(start=hour) for hour in hours],
            update_conflicts=True,
            unique_fields=["start"],
            update_fields=["counted_at"],
        )


def start_of_hour(at: datetime) -> datetime:
    """Return the start of the hour in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
