"""What is owed to others: sent at least once, again and again until it is taken or hopeless."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from mediapipe.failures import Undelivered

D = TypeVar("D", bound="OutboxMessage")

# Longer than any attempt takes: whoever has not ended by then is taken for dead.
LEASE = timedelta(minutes=3)
# The first wait, by which each is longer than the one before, and the longest one. The last of
# these attempts is made some eighteen hours after the first, which outlasts a night; and who was
# away for an hour has not long to wait after it.
FIRST_DELAY_S = 5.0
FACTOR = 4.0
LONGEST_DELAY_S = 3600.0
MOST_ATTEMPTS = 24
# So long is waited for a message after its time; what the sweep publishes may have to queue.
REDELIVERY_GRACE = timedelta(seconds=5)
DELIVERY_TIMEOUT = timedelta(seconds=30)
# Longer waits are left to the sweep: a broker keeps no message well for hours.
LONGEST_COUNTDOWN_S = 600.0
# Those that failed together do not come back together.
JITTER = 0.15


class DeliveryStatus(models.TextChoices):
    """waiting -> delivered, or failed once nothing is tried any more."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


UNDELIVERED = (DeliveryStatus.WAITING, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: when it began, how many seconds it took, and what came of it."""

    at: datetime
    took_s: float
    answer: str


class OutboxQuerySet(models.QuerySet[D]):
    """The questions that are asked of deliveries."""

    def waiting(self) -> Self:
        """Those that are still owed."""
        return self.filter(status=DeliveryStatus.WAITING)

    def failed(self) -> Self:
        """Those that nobody will ever get, unless a person has them sent again."""
        return self.filter(status=DeliveryStatus.FAILED)

    def owed(self) -> Self:
        """Those that nobody has, whether or not they are still tried."""
        return self.filter(status__in=UNDELIVERED)

    def due(self, now: datetime) -> Self:
        """Those whose next attempt should be under way by now."""
        return self.waiting().filter(next_attempt_at__lte=now)

    def claim_due(self, limit: int) -> list[int]:
        """Return the ids of those that no message brings back, each to one caller only."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.due(now).filter(sweep_at__lte=now).order_by("sweep_at")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            ids = list(rows.values_list("pk", flat=True)[:limit])
            self.model._default_manager.filter(pk__in=ids).update(sweep_at=now + DELIVERY_TIMEOUT)
        return ids

    def send_again(self) -> int:
        """Owe the failed ones anew, with all their attempts; return how many those are."""
        return self.failed().update(
            status=DeliveryStatus.WAITING,
            attempts=0,
            next_attempt_at=timezone.now(),
            sweep_at=timezone.now(),
        )


class OutboxMessage(models.Model):
    """One message to one receiver, in a table of its own for each kind of message.

    `message_id` is the same for every attempt, so that a receiver can tell a repetition; `payload`
    is what is sent, frozen at the first attempt for the same reason. `next_attempt_at` is when the
    next attempt is due, and while one is under way, when its worker is taken for dead; `sweep_at`
    is when a message that should bring it back is taken for lost. `log` has what `tries` returns.
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
        indexes = [
            models.Index("sweep_at", condition=Q(status="waiting"), name="%(class)s_to_sweep")
        ]

    @property
    def key(self) -> str:
        """The name by which the receiver knows the message again."""
        return f"msg_{self.message_id.hex}"

    @property
    def tries(self) -> list[Try]:
        """The attempts that ended, the oldest first."""
        return [
            Try(datetime.fromisoformat(entry["at"]), entry["took_s"], entry["answer"])
            for entry in self.log
        ]

    @classmethod
    def claim(cls, pk: int) -> Self | None:
        """Take this one for an attempt, or return None if it is not due or somebody has it."""
        now = timezone.now()
        due: Any = cls._default_manager.all()
        if (
            not due.due(now)
            .filter(pk=pk)
            .update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE, sweep_at=now + LEASE)
        ):
            return None
        claimed = cls._default_manager.get(pk=pk)
        if claimed.attempts > MOST_ATTEMPTS:
            claimed.failed("A worker died over it, again and again.")
            return None
        return claimed

    def snapshot_payload(self, payload: dict[str, Any]) -> None:
        """Keep what is sent, so that each attempt sends the same."""
        self.payload = payload
        self.save(update_fields=["payload"])

    def delivered(self, answer: str) -> bool:
        """Note that it was taken; tell whether it still was ours to say."""
        return self._end(answer, status=DeliveryStatus.DELIVERED, delivered_at=timezone.now())

    def undelivered(self, failure: Undelivered) -> None:
        """Note that it was not taken, and when it is tried again, also in the failure."""
        if not failure.again or self.attempts >= MOST_ATTEMPTS:
            self.failed(failure.why)
            return
        delay_s = max(delay_after_s(self.attempts), failure.retry_after_s or 0.0)
        delay_s = min(delay_s, LONGEST_DELAY_S)
        due = timezone.now() + timedelta(seconds=delay_s)
        by_celery = delay_s <= LONGEST_COUNTDOWN_S
        sweep_at = due + REDELIVERY_GRACE if by_celery else due
        if self._end(failure.why, next_attempt_at=due, sweep_at=sweep_at) and by_celery:
            failure.retry_in_s = delay_s

    def failed(self, why: str) -> None:
        """Note that it is not tried any more."""
        self._end(why, status=DeliveryStatus.FAILED)

    def _end(self, answer: str, **changes: Any) -> bool:
        """Close the attempt, unless another worker took over: then the row is left alone."""
        began = (self.next_attempt_at or timezone.now()) - LEASE
        took_s = round((timezone.now() - began).total_seconds(), 3)
        log = [*self.log, {"at": began.isoformat(), "took_s": took_s, "answer": answer[:255]}]
        changes = {"next_attempt_at": None, "log": log, **changes}
        ours = type(self)._default_manager.filter(
            pk=self.pk, status=DeliveryStatus.WAITING, attempts=self.attempts
        )
        if not ours.update(**changes):
            return False
        vars(self).update(changes)
        return True


def delay_after_s(attempts: int) -> float:
    """Return the seconds to wait after so many attempts, with their spread."""
    delay_s = min(FIRST_DELAY_S * FACTOR ** (attempts - 1), LONGEST_DELAY_S)
    return delay_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)
