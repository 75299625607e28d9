from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils import timezone

from mediapipe import providers
from mediapipe.models.outbox import UNDELIVERED, DeliveryStatus, OutboxMessage, OutboxQuerySet
from mediapipe.providers.base import PostStorePolicy

if TYPE_CHECKING:
    from mediapipe.models.media.item import MediaItem


class DeletionQuerySet(OutboxQuerySet["Deletion"]):
    """The questions that are asked of deletions."""

    def owe_again(self) -> int:
        """Owe anew what was only tried as a dry run, or not done; return how many those are."""
        again = self.filter(models.Q(dry_run=True) | models.Q(status=DeliveryStatus.FAILED))
        return again.exclude(status=DeliveryStatus.WAITING).update(
            status=DeliveryStatus.WAITING,
            dry_run=False,
            attempts=0,
            delivered_at=None,
            next_attempt_at=timezone.now(),
        )


class Deletion(OutboxMessage):
    """That a media item shall be deleted at Twilio, because its file is kept here.

    Written in the transaction that stores the item, where its account wishes so. `delivered`
    means that Twilio has it no more, or with `dry_run` that nothing stands against it; `failed`
    that Twilio keeps it, for the reason in the log.
    """

    media = models.OneToOneField("mediapipe.MediaItem", models.CASCADE, related_name="deletion")
    dry_run = models.BooleanField(default=False)

    objects = DeletionQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        abstract = False
        verbose_name = "deletion at Twilio"
        verbose_name_plural = "deletions at Twilio"
        ordering = ["pk"]
        # No message brings them back: each run looks for what is due.
        indexes = [
            models.Index(
                "next_attempt_at", condition=models.Q(status="waiting"), name="deletion_is_due"
            ),
            models.Index(
                "status", "id", condition=models.Q(status__in=UNDELIVERED), name="deletion_owed"
            ),
        ]

    def __str__(self) -> str:
        return f"deletion of {self.media}"

    @classmethod
    def owe(cls, media: MediaItem) -> None:
        """Write down that this stored item shall be deleted after a while, if that is wished."""
        if media.retrieved_at is None or deletion_policy_for(media) == PostStorePolicy.KEEP:
            return
        due = media.retrieved_at + timedelta(seconds=settings.TWILIO_DELETE_AFTER_S)
        owed = Deletion(media=media, next_attempt_at=due)
        Deletion.objects.bulk_create([owed], ignore_conflicts=True)

    def is_ours(self) -> bool:
        """Tell whether this attempt is still the last one that was begun."""
        mine: dict[str, Any] = {"pk": self.pk, "attempts": self.attempts}
        return Deletion.objects.waiting().filter(**mine).exists()


def deletion_policy_for(media: MediaItem) -> PostStorePolicy:
    """Return what its account wishes for a stored item; what cannot be read wishes nothing."""
    try:
        return providers.get(media.event.provider).post_store_policy(media.account_sid)
    except ImproperlyConfigured:
        return PostStorePolicy.KEEP
