from __future__ import annotations

from django.db import models
from django.utils import timezone

from mediapipe.models.outbox import DeliveryStatus, OutboxMessage, OutboxQuerySet


class DeletionQuerySet(OutboxQuerySet["Deletion"]):
    def retry_undone(self) -> int:
        """Make failed deletions and finished dry runs pending again; return how many."""
        undone = self.filter(models.Q(dry_run=True) | models.Q(status=DeliveryStatus.FAILED))
        return undone.exclude(status=DeliveryStatus.WAITING).update(
            status=DeliveryStatus.WAITING,
            dry_run=False,
            attempts=0,
            delivered_at=None,
            next_attempt_at=timezone.now(),
        )


class Deletion(OutboxMessage):
    """The request to delete a stored media item at Twilio.

    Written in the transaction that stores the item, if its account's policy says so. `delivered`
    means deleted at Twilio, or with `dry_run` that every check passed; `failed` means that Twilio
    keeps the item, for the reason in the log.
    """

    media = models.OneToOneField("mediapipe.MediaItem", models.CASCADE, related_name="deletion")
    dry_run = models.BooleanField(default=False)

    objects = DeletionQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        verbose_name = "deletion at Twilio"
        verbose_name_plural = "deletions at Twilio"

    def __str__(self) -> str:
        return str(self.media)

    def is_leased(self) -> bool:
        """Return whether this attempt still holds the lease: no other worker has claimed it."""
        return Deletion.objects.pending().filter(pk=self.pk, attempts=self.attempts).exists()
