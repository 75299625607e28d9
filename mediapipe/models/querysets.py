from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from mediapipe.models.media import MediaItem  # noqa: F401  (named in a base class)

# How long a message may lie in the broker before the sweep hands the item out once more.
PATIENCE = timedelta(seconds=60)
# Timers fire a little early; a message that is earlier than this is a duplicate.
EARLY = timedelta(seconds=0.1)


class Status(models.TextChoices):
    """queued -> fetching -> retrying -> ... -> stored | failed; absent where nothing ever was."""

    QUEUED = "queued"
    FETCHING = "fetching"
    RETRYING = "retrying"
    STORED = "stored"
    FAILED = "failed"
    ABSENT = "absent"


UNFINISHED = (Status.QUEUED, Status.FETCHING, Status.RETRYING)


class MediaQuerySet(models.QuerySet["MediaItem"]):
    """The questions that are asked of media items."""

    def unfinished(self) -> MediaQuerySet:
        """Those that are still owed."""
        return self.filter(status__in=UNFINISHED)

    def queued(self) -> MediaQuerySet:
        """Those that nobody has tried yet."""
        return self.filter(status=Status.QUEUED)

    def stored(self) -> MediaQuerySet:
        """Those whose file is kept and verified."""
        return self.filter(status=Status.STORED)

    def failed(self) -> MediaQuerySet:
        """Those that only a person can put back to work."""
        return self.filter(status=Status.FAILED)

    def early_404(self) -> MediaQuerySet:
        """Those whose webhook was faster than the media at least once."""
        return self.filter(not_found_count__gt=0)

    def overdue(self, now: datetime) -> MediaQuerySet:
        """Those that no message brings back in time: lost, interrupted, or in the slow phase."""
        return self.filter(sweep_at__lte=now)

    def claimable(self, now: datetime) -> MediaQuerySet:
        """Those that a worker may take now: due, or held by a lease that has run out."""
        due = Q(status__in=[Status.QUEUED, Status.RETRYING], next_attempt_at__lte=now + EARLY)
        return self.filter(due | Q(status=Status.FETCHING, leased_until__lte=now))

    def hand_out(self, limit: int) -> list[int]:
        """Return the ids of overdue items, oldest first, each to one caller only."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.overdue(now).order_by("sweep_at")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            ids = list(rows.values_list("pk", flat=True)[:limit])
            self.filter(pk__in=ids).update(sweep_at=now + PATIENCE)
        return ids

    def not_published(self, ids: Sequence[int]) -> None:
        """Leave these to the very next sweep, because the broker did not take their messages."""
        waiting = self.filter(pk__in=ids, status__in=[Status.QUEUED, Status.RETRYING])
        waiting.update(sweep_at=timezone.now())
