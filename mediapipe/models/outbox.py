"""The transactional outbox: messages that are delivered at least once, with retries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from mediapipe.backoff import Backoff
from mediapipe.failures import Undelivered

D = TypeVar("D", bound="OutboxMessage")

# Longer than any attempt takes; a worker that holds a message for longer is considered dead.
LEASE = timedelta(minutes=3)
# The last of these attempts is about eighteen hours after the first, longer than a night. The cap
# of an hour limits how long a receiver waits for its messages once it is available again.
BACKOFF = Backoff(first_s=5.0, factor=4.0, max_s=3600.0, jitter=0.15)
MAX_ATTEMPTS = 24
# How long after its due time a countdown may arrive before the dispatcher publishes a second one.
REDELIVERY_GRACE = timedelta(seconds=5)
# How long a published message may be queued before the dispatcher considers it lost.
DELIVERY_TIMEOUT = timedelta(seconds=30)
# Longer waits are left to the dispatcher: countdowns are held in a worker's memory, unacknowledged.
MAX_COUNTDOWN_S = 600.0


class DeliveryStatus(models.TextChoices):
    """waiting -> delivered, or failed when no attempt is left."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


UNDELIVERED = (DeliveryStatus.WAITING, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One entry of a delivery log: when it started, its duration in seconds, and the result."""

    at: datetime
    took_s: float
    result: str


class OutboxQuerySet(models.QuerySet[D]):
    def pending(self) -> Self:
        """Not delivered yet, with attempts left."""
        return self.filter(status=DeliveryStatus.WAITING)

    def failed(self) -> Self:
        """Given up on, unless a user retries them."""
        return self.filter(status=DeliveryStatus.FAILED)

    def undelivered(self) -> Self:
        """Pending or failed."""
        return self.filter(status__in=UNDELIVERED)

    def delivered(self) -> Self:
        return self.filter(status=DeliveryStatus.DELIVERED)

    def due(self, now: datetime) -> Self:
        """Pending, and the next attempt should have started by now."""
        return self.pending().filter(next_attempt_at__lte=now)

    def claim_due(self, limit: int) -> list[int]:
        """Return the ids of due messages without a task in the broker, each to one caller only."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.due(now).filter(sweep_at__lte=now).order_by("sweep_at")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            ids = list(rows.values_list("pk", flat=True)[:limit])
            self.model._default_manager.filter(pk__in=ids).update(sweep_at=now + DELIVERY_TIMEOUT)
        return ids

    def retry_failed(self) -> int:
        """Make the failed ones pending again, with all attempts left; return how many."""
        now = timezone.now()
        return self.failed().update(
            status=DeliveryStatus.WAITING, attempts=0, next_attempt_at=now, sweep_at=now
        )


class OutboxMessage(models.Model):
    """A message to one receiver; each kind of message has a table of its own.

    Rows are written in the transaction of the event that they report. `message_id` is the same for
    every attempt, so that receivers can discard duplicates, and so is `payload`, which is set by
    the first attempt. `next_attempt_at` is when the next attempt is due or, during an attempt, when
    its lease ends. `sweep_at` is when the periodic dispatcher considers the message's task lost.
    """

    message_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    status = models.CharField(
        max_length=12, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING
    )
    payload = models.JSONField(null=True, editable=False)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    sweep_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True)
    log = models.JSONField(default=list, editable=False)

    class Meta:
        abstract = True
        ordering = ["pk"]
        indexes = [
            models.Index("next_attempt_at", condition=Q(status="waiting"), name="%(class)s_is_due"),
            models.Index(
                "status",
                "id",
                condition=Q(status__in=UNDELIVERED),
                name="%(class)s_undelivered",
            ),
        ]

    @property
    def key(self) -> str:
        """The idempotency key: the same for every attempt."""
        return f"msg_{self.message_id.hex}"

    @property
    def delivery_log(self) -> list[DeliveryAttempt]:
        """The finished attempts, the oldest first."""
        return [
            DeliveryAttempt(datetime.fromisoformat(entry["at"]), entry["took_s"], entry["result"])
            for entry in self.log
        ]

    @classmethod
    def claim(cls, pk: int) -> Self | None:
        """Lease the message for one attempt; None if it is not due or another worker has it."""
        now = timezone.now()
        due: Any = cls._default_manager.all()
        if (
            not due.due(now)
            .filter(pk=pk)
            .update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE, sweep_at=now + LEASE)
        ):
            return None
        claimed = cls._default_manager.filter(pk=pk).first()
        if claimed is None:
            # It was erased in the meantime.
            return None
        if claimed.attempts > MAX_ATTEMPTS:
            # mark_undelivered() gives up when the last attempt ends, so that one never ended.
            claimed.mark_failed("The worker died during the last attempt.")
            return None
        return claimed

    def snapshot_payload(self, payload: dict[str, Any]) -> None:
        """Store the payload, so that each attempt sends the same.

        Raise Undelivered if the message was erased in the meantime.
        """
        self.payload = payload
        if not type(self)._default_manager.filter(pk=self.pk).update(payload=payload):
            raise Undelivered("The message was erased before it was sent.", again=False)

    def mark_delivered(self, result: str) -> bool:
        """End the attempt and the message; return False if the lease was lost."""
        return self._end_attempt(
            result, status=DeliveryStatus.DELIVERED, delivered_at=timezone.now()
        )

    def mark_undelivered(self, failure: Undelivered) -> float | None:
        """End the attempt, and schedule the next one if the failure is transient.

        Return the seconds after which Celery may retry it; None if that is left to the dispatcher
        or if this attempt was the last one.
        """
        if not failure.again or self.attempts >= MAX_ATTEMPTS:
            self.mark_failed(failure.why)
            return None
        # The wait that the receiver asks for is respected up to our cap.
        delay_s = max(BACKOFF.delay_s(self.attempts - 1), failure.retry_after_s or 0.0)
        delay_s = min(delay_s, BACKOFF.max_s)
        due = timezone.now() + timedelta(seconds=delay_s)
        by_celery = delay_s <= MAX_COUNTDOWN_S
        sweep_at = due + REDELIVERY_GRACE if by_celery else due
        recorded = self._end_attempt(failure.why, next_attempt_at=due, sweep_at=sweep_at)
        return delay_s if recorded and by_celery else None

    def mark_failed(self, result: str) -> None:
        """End the attempt and give up on the message."""
        self._end_attempt(result, status=DeliveryStatus.FAILED)

    def _end_attempt(self, result: str, **changes: Any) -> bool:
        began = (self.next_attempt_at or timezone.now()) - LEASE
        took_s = round((timezone.now() - began).total_seconds(), 3)
        log = [*self.log, {"at": began.isoformat(), "took_s": took_s, "result": result[:255]}]
        changes = {"next_attempt_at": None, "log": log, **changes}
        # A worker whose lease was taken over must not overwrite the result of the next attempt.
        ours = type(self)._default_manager.filter(
            pk=self.pk, status=DeliveryStatus.WAITING, attempts=self.attempts
        )
        if not ours.update(**changes):
            return False
        vars(self).update(changes)
        return True
