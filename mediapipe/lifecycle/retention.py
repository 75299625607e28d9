"""What is old enough is deleted: payloads, attempts, files and task results, each at its own age.

The rows of events and media stay, with their times, counts and reasons. Nothing goes of what is
still owed. Each batch is a short transaction of its own, so no table is locked, and whoever is
killed in between leaves nothing behind that the next run does not finish.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_results.models import TaskResult

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.models import FetchAttempt, HandOff, MediaItem, WebhookEvent

logger = logging.getLogger(__name__)

BATCH = 500
# What is to be kept for ever is never from before this.
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is deleted at an age of its own, in days; 0 is never.

    `old` returns the rows from before a moment, the oldest first; `delete` deletes what these
    rows stand for, and returns how many it did.
    """

    name: str
    days: int
    old: Callable[[datetime], QuerySet[Any]]
    delete: Callable[[Any], int]

    def count(self, now: datetime) -> int:
        """Return how much there is to delete."""
        return self.old(self._before(now)).count()

    def purge(self, now: datetime) -> Iterator[int]:
        """Delete batch after batch; yield how much each had.

        Raise StorageFailed when the storage lets nothing be deleted.
        """
        before = self._before(now)
        while ids := list(self.old(before).values_list("pk", flat=True)[:BATCH]):
            # Asked once more, because an item may be back at work meanwhile.
            yield self.delete(self.old(before).filter(pk__in=ids))

    def _before(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days) if self.days else NEVER


def kinds() -> list[Kind]:
    """Return everything that retention deletes, at the ages that are configured."""
    events, attempts, media = WebhookEvent.objects, FetchAttempt.objects, MediaItem.objects
    return [
        Kind(
            "payloads",
            settings.RETENTION_PAYLOADS_DAYS,
            events.with_payload_before,
            lambda rows: rows.purge_payloads(),
        ),
        Kind("attempts", settings.RETENTION_ATTEMPTS_DAYS, attempts.before, _delete),
        Kind("files", settings.RETENTION_FILES_DAYS, media.with_file_before, remove_files),
        Kind(
            "hand_offs",
            settings.RETENTION_RESULTS_DAYS,
            HandOff.objects.delivered_before,
            _delete,
        ),
        Kind("results", settings.RETENTION_RESULTS_DAYS, _results_before, _delete),
    ]


def purge_in_turns(now: datetime) -> Iterator[dict[str, int]]:
    """Delete one batch of each kind per turn; yield the counts of the turn by kind.

    The kinds take turns, so that a month of payloads does not delay the files. A kind ends when
    nothing is left, or when the storage fails.
    """
    batches = {kind.name: kind.purge(now) for kind in kinds()}
    while batches:
        counts: dict[str, int] = {}
        for name, kind in list(batches.items()):
            deleted = None
            try:
                deleted = next(kind, None)
            except StorageFailed as failure:
                logger.error("the storage failed to delete files: %s", failure.detail)
            if deleted is None:
                del batches[name]
            counts[name] = deleted or 0
        yield counts


def _results_before(moment: datetime) -> QuerySet[Any]:
    results: QuerySet[Any] = TaskResult.objects.filter(date_done__lt=moment).order_by("date_done")
    return results


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]


def remove_files(rows: QuerySet[MediaItem]) -> int:
    """Give the files up in their rows, then remove them, then forget their names.

    Whenever this is interrupted, no row promises a file that is gone, and each file that is
    there is named by a row, from which the next run goes on.
    """
    ids = list(rows.values_list("pk", flat=True))
    MediaItem.objects.filter(pk__in=ids, purged_at=None).update(purged_at=timezone.now())
    removed = []
    trouble: StorageFailed | None = None
    for item in MediaItem.objects.filter(pk__in=ids).only("storage_name"):
        try:
            storage.remove(item.storage_name)
        except StorageFailed as failure:
            # One file that cannot be removed keeps none of the others.
            trouble = failure
        else:
            removed.append(item.pk)
    MediaItem.objects.filter(pk__in=removed).update(storage_name="")
    if trouble and not removed:
        raise trouble
    return len(removed)
