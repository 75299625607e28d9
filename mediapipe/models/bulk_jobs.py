from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

# What one transaction changes in well under a second.
BATCH = 500


class BulkAction(models.TextChoices):
    """What a job does with each item."""

    RETRY = "retry", "Retry"
    GIVE_UP = "give_up", "Give up"


class BulkJob(models.Model):
    """A user's request to retry or give up many media items, too many for one web request.

    `chosen` describes the selection, `reason` says why the items are given up. Of `total` items,
    `done` have been processed and `changed` retried or given up; the others had changed in the
    meantime.
    """

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="by"
    )
    action = models.CharField(max_length=8, choices=BulkAction.choices, default=BulkAction.RETRY)
    chosen = models.TextField()
    reason = models.CharField(max_length=255, blank=True, default="")
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    media = models.ManyToManyField(
        "mediapipe.MediaItem", through="mediapipe.BulkJobMedia", related_name="jobs"
    )

    class Meta:
        # Its pages need the permission for its action.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.total} media items: {self.chosen}"

    @property
    def skipped(self) -> int:
        return self.done - self.changed

    @classmethod
    def create(
        cls,
        media_ids: Iterable[int],
        *,
        by: Any,
        chosen: str,
        action: BulkAction = BulkAction.RETRY,
        reason: str = "",
    ) -> BulkJob:
        """Save a job of this user for these media items, with its batches."""
        ids = list(media_ids)
        with transaction.atomic():
            now = timezone.now()
            finished_at = None if ids else now
            job = cls.objects.create(
                by=by,
                action=action,
                chosen=chosen,
                reason=reason,
                total=len(ids),
                started_at=now,
                finished_at=finished_at,
            )
            parts = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
            batches = (BulkBatch(job=job, media_ids=part) for part in parts)
            BulkBatch.objects.bulk_create(batches, batch_size=100)
        return job


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that only this transaction processes."""

    job: BulkJob
    media_ids: list[int]

    def finish(self, changed: Sequence[int]) -> None:
        """Record which items were changed, and add the batch to the job's counts.

        The last batch finishes the job.
        """
        rows = [BulkJobMedia(job=self.job, media_id=pk) for pk in changed]
        BulkJobMedia.objects.bulk_create(rows)
        job = BulkJob.objects.filter(pk=self.job.pk)
        job.update(done=F("done") + len(self.media_ids), changed=F("changed") + len(changed))
        job.filter(done__gte=F("total")).update(finished_at=timezone.now())


class BulkJobMedia(models.Model):
    """A media item that a job retried or gave up; the job's page shows the item's outcome."""

    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="+")
    media = models.ForeignKey("mediapipe.MediaItem", models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"media {self.media_id} of job {self.job_id}"


class BulkBatch(models.Model):
    """A pending part of a job; processed batches have no row."""

    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="batches")
    media_ids = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.media_ids)} media items of job {self.job_id}"

    @classmethod
    def claim(cls) -> ClaimedBatch | None:
        """Delete and return the oldest unclaimed batch; None if there is none.

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
