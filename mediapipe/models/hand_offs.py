from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Min
from django.utils import timezone

from mediapipe.failures import Undelivered
from mediapipe.models.outbox import UNDELIVERED, DeliveryStatus, OutboxMessage, OutboxQuerySet

# How long a published task may take before its message is considered lost and sent again.
UNCONFIRMED_AFTER = timedelta(minutes=10)


class Completion(models.TextChoices):
    """How a media item ended, as receivers see it."""

    STORED = "media.stored", "stored"
    FAILED = "media.failed", "failed"


class Receiver(models.TextChoices):
    """What is notified of finished media items."""

    TASK = "task", "Celery task"
    WEBHOOK = "webhook", "Webhook"

    @classmethod
    def configured_for(cls, ending: Completion) -> list[Receiver]:
        """Return the configured receivers of items that ended this way."""
        task = settings.ON_STORED_TASK and ending == Completion.STORED
        addresses = {cls.TASK: task, cls.WEBHOOK: settings.HANDOFF_WEBHOOK_URL}
        return [receiver for receiver, address in addresses.items() if address]


class HandOffQuerySet(OutboxQuerySet["HandOff"]):
    def delivered_before(self, moment: datetime) -> HandOffQuerySet:
        """Delivered before this moment, the oldest first."""
        return self.delivered().filter(delivered_at__lt=moment).order_by("delivered_at")

    def oldest_pending_age_s(self, now: datetime) -> float:
        """Return the seconds since the media item of the oldest pending hand-off ended, or 0."""
        # undelivered() lets PostgreSQL use the index on (status, id).
        oldest = self.undelivered().pending().aggregate(pk=Min("pk"))["pk"]
        hand_off = self.select_related("media").filter(pk=oldest).first()
        return (now - hand_off.ended_at).total_seconds() if hand_off else 0.0

    def confirm(self, message_id: str) -> bool:
        """Mark the message delivered, because its task succeeded; return whether that was new."""
        return bool(
            self.filter(message_id=message_id, status__in=UNDELIVERED).update(
                status=DeliveryStatus.DELIVERED, delivered_at=timezone.now(), next_attempt_at=None
            )
        )


class HandOff(OutboxMessage):
    """The message to one receiver that one media item is stored or has failed permanently.

    Written in the transaction that ends the item, for the receivers configured at that moment, so
    that a crash loses none. A new receiver starts with the next item.
    """

    media = models.ForeignKey("mediapipe.MediaItem", models.CASCADE, related_name="hand_offs")
    receiver = models.CharField(max_length=12, choices=Receiver.choices)
    ending = models.CharField(max_length=16, choices=Completion.choices)

    objects = HandOffQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        verbose_name = "hand-off"
        indexes = [
            *OutboxMessage.Meta.indexes,
            models.Index(
                "delivered_at", condition=models.Q(status="delivered"), name="handoff_delivered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ending} to the {self.receiver}"

    @property
    def ended_at(self) -> datetime:
        """When its media item was stored or failed; for an absent one, when it was announced."""
        return self.media.retrieved_at or self.media.failed_at or self.media.received_at

    def mark_published(self) -> None:
        """End the attempt; the task's message is sent again unless confirm() is called in time."""
        self.mark_undelivered(
            Undelivered(
                "published, and not confirmed yet",
                again=True,
                retry_after_s=UNCONFIRMED_AFTER.total_seconds(),
            )
        )
