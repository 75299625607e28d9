"""Deletes payloads, attempts, files, deliveries and task results, each after its retention period.

The rows of events and media stay, with their times, counts and reasons, and so does everything that
belongs to unfinished items. Each batch is a short transaction: no table is locked for long, and the
next run finishes what an interrupted one has left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_celery_results.models import TaskResult

from mediapipe.failures import StorageFailed
from mediapipe.fetching import storage
from mediapipe.models import FetchAttempt, GatewayDelivery, HandOff, MediaItem, WebhookEvent
from mediapipe.models.gateway_deliveries import GatewayDeliveries

logger = logging.getLogger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """What is deleted after how many days; 0 means never.

    `old` returns the rows from before a moment, the oldest first; `delete` deletes what these
    rows represent, and returns how many it deleted.
    """

    name: str
    days: float
    old: Callable[[datetime], QuerySet[Any]]
    delete: Callable[[Any], int]

    def count(self, now: datetime) -> int:
        """Return how many rows are past their retention."""
        return self.old(self._cutoff(now)).count()

    def purge(self, now: datetime) -> Iterator[int]:
        """Delete batch by batch, and yield the size of each.

        Raises StorageFailed if the storage deletes none of a batch's files.
        """
        cutoff = self._cutoff(now)
        while ids := list(self.old(cutoff).values_list("pk", flat=True)[:BATCH]):
            # Filtered again, because an item may have been retried in the meantime.
            yield self.delete(self.old(cutoff).filter(pk__in=ids))

    def _cutoff(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days) if self.days else datetime.min.replace(tzinfo=UTC)


def retention_rules() -> list[RetentionRule]:
    """Return the rules as configured."""
    results = settings.RETENTION_RESULTS_DAYS
    # At least a second: 0 would mean never.
    requests = max(settings.GATEWAY_KEEP_S, 1.0) / timedelta(days=1).total_seconds()
    deliveries = GatewayDelivery.objects
    return [
        RetentionRule(
            "payloads",
            settings.RETENTION_PAYLOADS_DAYS,
            WebhookEvent.objects.with_payload_before,
            purge_payloads,
        ),
        RetentionRule(
            "attempts",
            settings.RETENTION_ATTEMPTS_DAYS,
            FetchAttempt.objects.before,
            _delete_rows,
        ),
        RetentionRule(
            "files", settings.RETENTION_FILES_DAYS, MediaItem.objects.with_file_before, remove_files
        ),
        RetentionRule("hand_offs", results, HandOff.objects.delivered_before, _delete_rows),
        RetentionRule(
            "gateway_requests",
            requests,
            deliveries.with_request_before,
            GatewayDeliveries.erase_requests,
        ),
        RetentionRule("gateway_deliveries", results, deliveries.ended_before, _delete_rows),
        RetentionRule("results", results, _results_before, _delete_rows),
    ]


def purge_in_turns(now: datetime) -> Iterator[dict[str, int]]:
    """Delete one batch per rule and turn; yield the counts of each turn by the rule's name.

    The rules take turns, so that a month of payloads does not delay the files. A rule drops out
    when nothing is left, or when the storage fails.
    """
    batches = {rule.name: rule.purge(now) for rule in retention_rules()}
    while batches:
        counts: dict[str, int] = {}
        for name, rule in list(batches.items()):
            deleted = None
            try:
                deleted = next(rule, None)
            except StorageFailed as failure:
                logger.error("the storage failed to delete files: %s", failure.detail)
            if deleted is None:
                del batches[name]
            counts[name] = deleted or 0
        yield counts


def _results_before(moment: datetime) -> QuerySet[TaskResult]:
    return TaskResult.objects.filter(date_done__lt=moment).order_by("date_done")


def _delete_rows(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]


def purge_payloads(events: QuerySet[WebhookEvent]) -> int:
    """Delete what the senders of these events wrote; return how many events."""
    with transaction.atomic():
        ids = list(events.select_for_update().values_list("pk", flat=True))
        MediaItem.objects.filter(event__in=ids).clear_refused()
        return WebhookEvent.objects.filter(pk__in=ids).purge_payloads()


def remove_files(rows: QuerySet[MediaItem]) -> int:
    """Delete the files of these items; return how many.

    First the rows are marked as purged, then the files are deleted, then the names are cleared.
    Wherever this is interrupted, no row shows a deleted file as stored, and a row names every file
    that is left, so the next run can continue. Raises StorageFailed if no file can be deleted.
    """
    ids = list(rows.values_list("pk", flat=True))
    MediaItem.objects.filter(pk__in=ids, purged_at=None).update(purged_at=timezone.now())
    removed = []
    error: StorageFailed | None = None
    for item in MediaItem.objects.filter(pk__in=ids).only("storage_name"):
        try:
            storage.remove(item.storage_name)
        except StorageFailed as failure:
            # One file that cannot be deleted must not stop the deletion of the others.
            error = failure
        else:
            removed.append(item.pk)
    MediaItem.objects.filter(pk__in=removed).update(storage_name="")
    if error and not removed:
        raise error
    return len(removed)
