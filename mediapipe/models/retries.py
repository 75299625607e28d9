from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

# What one transaction retries in well under a second.
BATCH = 500


class RetryJob(models.Model):
    """A user's request to retry many media items, in batches, so that no web request takes minutes.

    `chosen` describes the selection. Of `total` items, `done` were processed so far and `retried`
    retried; the difference was stored or being fetched in the meantime.
    """

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="by"
    )
    chosen = models.TextField()
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # Its only page needs the permission to retry.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.total} media items: {self.chosen}"

    @property
    def skipped(self) -> int:
        return self.done - self.retried

    @classmethod
    def create(cls, media_ids: Iterable[int], *, by: Any, chosen: str) -> RetryJob:
        """Save a job of this user for these media items, with its batches."""
        ids = list(media_ids)
        with transaction.atomic():
            now = timezone.now()
            finished_at = None if ids else now
            job = cls.objects.create(
                by=by, chosen=chosen, total=len(ids), started_at=now, finished_at=finished_at
            )
            parts = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
            batches = (RetryBatch(job=job, media_ids=part) for part in parts)
            RetryBatch.objects.bulk_create(batches, batch_size=100)
        return job


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that this transaction alone processes."""

    job: RetryJob
    media_ids: list[int]

    def finish(self, retried: int) -> None:
        """Add the batch to the job's counts; the last one finishes the job."""
        job = RetryJob.objects.filter(pk=self.job.pk)
        job.update(done=F("done") + len(self.media_ids), retried=F("retried") + retried)
        job.filter(done__gte=F("total")).update(finished_at=timezone.now())


class RetryBatch(models.Model):
    """A pending part of a job; processed batches have no row."""

    job = models.ForeignKey(RetryJob, models.CASCADE, related_name="batches")
    media_ids = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.media_ids)} media items of job {self.job_id}"

    @classmethod
    def claim(cls) -> ClaimedBatch | None:
        """Delete and return the oldest batch, or return None.

        Call it in the transaction that processes the batch: a rollback restores the row.
        """
        rows = cls.objects.select_related("job__by").order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        batch = rows.first()
        if batch is None:
            return None
        batch.delete()
        return ClaimedBatch(batch.job, batch.media_ids)
