from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Min
from django.utils import timezone

from mediapipe.failures import Undelivered
from mediapipe.models.outbox import UNDELIVERED, DeliveryStatus, OutboxMessage, OutboxQuerySet
from mediapipe.models.status import Status

if TYPE_CHECKING:
    from mediapipe.models.media.item import MediaItem

# As long as a task may take until it is taken for lost, and its message is sent once more.
UNCONFIRMED_AFTER = timedelta(minutes=10)


class Completion(models.TextChoices):
    """How a media item ended, as others are told of it."""

    STORED = "media.stored", "stored"
    FAILED = "media.failed", "failed"

    @classmethod
    def of(cls, media: MediaItem) -> Completion:
        """Return how this item ended; what never was has failed for who waits for it."""
        return cls.STORED if media.status == Status.STORED else cls.FAILED


class Receiver(models.TextChoices):
    """Who goes on with a media item."""

    TASK = "task", "Celery task"
    WEBHOOK = "webhook", "Webhook"

    @classmethod
    def waiting_for(cls, ending: Completion) -> list[Receiver]:
        """Return those that the environment names for an item that ended so."""
        task = settings.ON_STORED_TASK and ending == Completion.STORED
        wanted = {cls.TASK: task, cls.WEBHOOK: settings.HANDOFF_WEBHOOK_URL}
        return [receiver for receiver, address in wanted.items() if address]


class HandOffQuerySet(OutboxQuerySet["HandOff"]):
    """The questions that are asked of hand-offs."""

    def undelivered(self) -> HandOffQuerySet:
        """Those of stored items that nobody has taken, whether or not they are still tried."""
        return self.filter(ending=Completion.STORED).exclude(status=DeliveryStatus.DELIVERED)

    def delivered_before(self, moment: datetime) -> HandOffQuerySet:
        """Those that were taken before this moment, the oldest first."""
        taken = self.filter(status=DeliveryStatus.DELIVERED, delivered_at__lt=moment)
        return taken.order_by("delivered_at")

    def longest_wait_s(self, now: datetime) -> float:
        """Return for how many seconds the oldest of those that are still tried has been owed."""
        oldest = self.owed().waiting().aggregate(pk=Min("pk"))["pk"]
        hand_off = self.select_related("media").filter(pk=oldest).first()
        return (now - hand_off.owed_since).total_seconds() if hand_off else 0.0

    def confirm(self, message_id: str) -> bool:
        """Note that the task of this message was done; tell whether that was news."""
        owed = self.filter(message_id=message_id).exclude(status=DeliveryStatus.DELIVERED)
        now = timezone.now()
        changes = {"status": DeliveryStatus.DELIVERED, "delivered_at": now, "next_attempt_at": None}
        return bool(owed.update(**changes))


class HandOff(OutboxMessage):
    """That one receiver has to be told of the end of one media item.

    Written in the transaction in which the item ends, for each receiver that is configured at
    that moment, so that no crash forgets one; a receiver that is new begins with what is new.
    """

    media = models.ForeignKey("mediapipe.MediaItem", models.CASCADE, related_name="hand_offs")
    receiver = models.CharField(max_length=12, choices=Receiver.choices)
    ending = models.CharField(max_length=16, choices=Completion.choices)

    objects = HandOffQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        abstract = False
        verbose_name = "hand-off"
        ordering = ["pk"]
        # No message brings them back: each run looks for what is due.
        indexes = [
            models.Index(
                "next_attempt_at", condition=models.Q(status="waiting"), name="handoff_is_due"
            ),
            models.Index(
                "delivered_at", condition=models.Q(status="delivered"), name="handoff_delivered"
            ),
            models.Index(
                "status", "id", condition=models.Q(status__in=UNDELIVERED), name="handoff_owed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ending} to the {self.receiver}"

    @property
    def owed_since(self) -> datetime:
        """When its media item ended; of what never was, when it was announced."""
        return self.media.retrieved_at or self.media.failed_at or self.media.received_at

    @classmethod
    def owe(cls, media: MediaItem) -> None:
        """Write down who has to be told that this item ended."""
        ending = Completion.of(media)
        HandOff.objects.bulk_create(
            HandOff(media=media, receiver=receiver, ending=ending)
            for receiver in Receiver.waiting_for(ending)
        )

    def published(self) -> None:
        """Note that the task's message is out; it is sent again unless the task is confirmed."""
        sent = Undelivered(
            "published, and not confirmed yet",
            again=True,
            retry_after_s=UNCONFIRMED_AFTER.total_seconds(),
        )
        self.undelivered(sent)
