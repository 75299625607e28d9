"""Many items put back to work by one person: in batches, so that no request takes minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

BATCH = 500


class RetryJob(models.Model):
    """Which items somebody wants tried again, and how far that is.

    `chosen` says in words how they were chosen; `total` is how many they were, `done` how many
    were looked at since, and of these `retried` went back to work: the others were stored or
    at work meanwhile.
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
        # Nothing but its own page leads to a job, for those who may retry.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.total} media items: {self.chosen}"

    @property
    def skipped(self) -> int:
        """How many were left alone."""
        return self.done - self.retried

    @classmethod
    def of(cls, media_ids: Iterable[int], *, by: Any, chosen: str) -> RetryJob:
        """Write down that this user wants these items tried again, and return the job."""
        ids = list(media_ids)
        with transaction.atomic():
            now = timezone.now()
            finished_at = None if ids else now
            job = cls.objects.create(
                by=by, chosen=chosen, total=len(ids), started_at=now, finished_at=finished_at
            )
            batches = (RetryBatch(job=job, media_ids=part) for part in in_batches(ids))
            RetryBatch.objects.bulk_create(batches, batch_size=100)
        return job


@dataclass(frozen=True, slots=True)
class Claimed:
    """One batch that nobody else will work off."""

    job: RetryJob
    media_ids: list[int]

    def finish(self, retried: int) -> None:
        """Count the batch; the last one ends the job."""
        job = RetryJob.objects.filter(pk=self.job.pk)
        job.update(done=F("done") + len(self.media_ids), retried=F("retried") + retried)
        job.filter(done__gte=F("total")).update(finished_at=timezone.now())


class RetryBatch(models.Model):
    """A part of a job that is still to be done; there is no row for one that is."""

    job = models.ForeignKey(RetryJob, models.CASCADE, related_name="batches")
    media_ids = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.media_ids)} media items of job {self.job_id}"

    @classmethod
    def claim(cls) -> Claimed | None:
        """Take the oldest batch inside the transaction that works it off, or return None.

        If the transaction fails the batch is there again; of two workers one gets it.
        """
        rows = cls.objects.select_related("job__by").order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        batch = rows.first()
        if batch is None:
            return None
        batch.delete()
        return Claimed(batch.job, batch.media_ids)


def in_batches(ids: list[int]) -> Iterable[list[int]]:
    """Yield the ids in lists of a size that one transaction takes well."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
