from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from mediapipe.models.events import WebhookEvent
from mediapipe.models.gateway_apps import GatewayApp
from mediapipe.models.media.item import MediaItem
from mediapipe.models.outbox import (
    BACKOFF,
    DELIVERY_TIMEOUT,
    LEASE,
    MAX_ATTEMPTS,
    DeliveryAttempt,
)
from mediapipe.models.status import UNFINISHED as UNFINISHED_MEDIA


class GatewayStatus(models.TextChoices):
    """waiting -> sending -> waiting -> ... -> delivered, or one of the other ends."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    GAVE_UP = "gave_up", "Gave up"
    DROPPED = "dropped"


OPEN = (GatewayStatus.WAITING, GatewayStatus.SENDING)
# The ends in which the app may not have the message; their requests are kept for "send again".
UNDELIVERED = (GatewayStatus.REFUSED, GatewayStatus.UNKNOWN, GatewayStatus.GAVE_UP)


class AnswerUse(models.TextChoices):
    """What became of the app's answer: Twilio got it, wants none, or had got another one before."""

    USED = "used"
    NOT_NEEDED = "not_needed", "Not needed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt at a delivery led to; no body and no header of the app's answer.

    `http_status` is None without an answer. `connect_s` and `total_s` are seconds.
    """

    detail: str
    http_status: int | None = None
    content_type: str = ""
    answer_bytes: int = 0
    answer: str = ""
    connect_s: float | None = None
    total_s: float | None = None


class GatewayDeliveryQuerySet(models.QuerySet["GatewayDelivery"]):
    def waiting(self) -> GatewayDeliveryQuerySet:
        return self.filter(status=GatewayStatus.WAITING)

    def sending(self) -> GatewayDeliveryQuerySet:
        """At the app now, or taken along by a worker that died."""
        return self.filter(status=GatewayStatus.SENDING)

    def open(self) -> GatewayDeliveryQuerySet:
        """Not ended yet."""
        return self.filter(status__in=OPEN)

    def undelivered(self) -> GatewayDeliveryQuerySet:
        """Ended, and the app may not have the message."""
        return self.filter(status__in=UNDELIVERED)

    def with_request(self) -> GatewayDeliveryQuerySet:
        """Those whose request is still there."""
        return self.exclude(request="")

    def resendable(self) -> GatewayDeliveryQuerySet:
        """Undelivered, and the request is still there."""
        return self.undelivered().with_request()

    def due(self, now: datetime) -> GatewayDeliveryQuerySet:
        """Waiting for nothing but their time, and that has come.

        Until its hold ends, a delivery waits for the media of its message where the app wants
        that, and for the earlier messages of the same conversation.
        """
        media = MediaItem.objects.filter(event=OuterRef("event"), status__in=UNFINISHED_MEDIA)
        earlier = GatewayDelivery.objects.open().filter(
            entry=OuterRef("entry"), conversation=OuterRef("conversation"), pk__lt=OuterRef("pk")
        )
        free_of_media = Q(holds_for_media=False) | ~Exists(media)
        first = Q(conversation="") | ~Exists(earlier)
        blocked = GatewayApp.objects.blocked(now).filter(name=OuterRef("entry"))
        return (
            self.waiting()
            .filter(next_attempt_at__lte=now)
            .filter(Q(hold_until__lte=now) | (free_of_media & first))
            .exclude(Exists(blocked))
        )

    def lease_expired(self, now: datetime) -> GatewayDeliveryQuerySet:
        """Sending, by a worker that has died."""
        return self.sending().filter(next_attempt_at__lte=now).select_related("event")

    def claim_due(self, limit: int) -> list[int]:
        """Return the ids of due deliveries without a task in the broker, the oldest first.

        Each goes to one caller only.
        """
        now = timezone.now()
        with transaction.atomic():
            rows = self.due(now).filter(sweep_at__lte=now).order_by("pk")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True, of=("self",))
            ids = list(rows.values_list("pk", flat=True)[:limit])
            GatewayDelivery.objects.filter(pk__in=ids).update(sweep_at=now + DELIVERY_TIMEOUT)
        return ids

    def mark_undispatched(self, ids: Sequence[int]) -> None:
        """Leave these to whoever looks for due deliveries next: the broker has no message."""
        self.waiting().filter(pk__in=ids).update(sweep_at=timezone.now())

    def mark_late(self) -> None:
        """Let these go out at the pace of their app: it was away for a while."""
        self.waiting().filter(late=False).update(late=True)

    def send_again(self) -> list[int]:
        """Make the resendable ones due now, with all their attempts; return their ids."""
        now = timezone.now()
        with transaction.atomic():
            ids = list(self.resendable().select_for_update().values_list("pk", flat=True))
            # Without a hold: whoever sends it again knows what the media is by now.
            GatewayDelivery.objects.filter(pk__in=ids).update(
                status=GatewayStatus.WAITING,
                attempts=0,
                late=True,
                hold_until=now,
                next_attempt_at=now,
                sweep_at=now,
                ended_at=None,
            )
        return ids

    def drop(self, why: str) -> int:
        """End the open ones without another attempt, and erase all the requests of these.

        Return how many were open.
        """
        erased = {"request": "", "conversation": ""}
        ended = {"next_attempt_at": None, "ended_at": timezone.now()}
        with transaction.atomic():
            dropped = self.open().update(
                status=GatewayStatus.DROPPED, detail=why, **ended, **erased
            )
            self.update(**erased)
        return dropped

    def ended_before(self, moment: datetime) -> GatewayDeliveryQuerySet:
        """Ended before this moment, with no request left, the oldest first."""
        return self.filter(request="", ended_at__lt=moment).order_by("ended_at")

    def with_request_before(self, moment: datetime) -> GatewayDeliveryQuerySet:
        """Ended before this moment, and the request is still there, the oldest first."""
        return self.with_request().filter(ended_at__lt=moment).order_by("ended_at")

    def erase_requests(self) -> int:
        """Erase the requests of these, which then cannot be sent again; return how many."""
        return self.update(request="")

    def oldest_pending_age_s(self, now: datetime) -> float:
        """Return the seconds since the oldest one that has not ended was received, or 0."""
        oldest = self.open().aggregate(at=models.Min("received_at"))["at"]
        return (now - oldest).total_seconds() if oldest else 0.0


class GatewayDelivery(models.Model):
    """The passing on of one webhook to one app; a hand-off is what we send of our own.

    Written in the transaction of the event, for the entries of GATEWAY_FILE that fit. `request` is
    the webhook as it was received, sealed: what was changed in the database is not signed again.
    It is erased once it is delivered. `conversation` is equal for messages that stay in order, and
    "" for those that need not. `next_attempt_at` is when the next attempt is due or, during one,
    when its lease ends; `sweep_at` is when its task is taken for lost. `late` ones go out at the
    pace of their app.

    The methods are the transitions of its status; nothing else writes it.
    """

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="gateway_deliveries")
    entry = models.CharField("app", max_length=40)
    # Of a recording each status is a webhook of its own; "" for all others.
    about = models.CharField(max_length=32, blank=True, editable=False)
    status = models.CharField(
        max_length=12, choices=GatewayStatus.choices, default=GatewayStatus.WAITING
    )
    request = models.TextField(blank=True, editable=False)
    conversation = models.CharField(max_length=64, blank=True, editable=False)
    holds_for_media = models.BooleanField(editable=False)
    hold_until = models.DateTimeField(editable=False)
    late = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sweep_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    http_status = models.PositiveIntegerField("HTTP status", null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    answer_bytes = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=12, blank=True, choices=AnswerUse.choices)
    connect_s = models.FloatField(null=True, blank=True)
    total_s = models.FloatField(null=True, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    media_then = models.CharField("media at that time", max_length=100, blank=True)
    log = models.JSONField(default=list, editable=False)

    objects = GatewayDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "entry", "about"], name="one_delivery_an_app")
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="gateway_conversation"),
            models.Index(fields=["ended_at"], name="gateway_ended"),
            models.Index(fields=["status", "id"], name="gateway_status"),
            models.Index(fields=["entry", "id"], name="gateway_entry"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.entry}"

    @property
    def delivery_log(self) -> list[DeliveryAttempt]:
        """The finished attempts, the oldest first."""
        return [
            DeliveryAttempt(datetime.fromisoformat(entry["at"]), entry["took_s"], entry["result"])
            for entry in self.log
        ]

    def seal(self, request: dict[str, Any]) -> None:
        """Set the request, bound to this event and app."""
        self.request = self._signer.sign_object(request)

    def unseal(self) -> dict[str, Any]:
        """Return the request; raise signing.BadSignature for one that we did not store here."""
        request: dict[str, Any] = self._signer.unsign_object(self.request)
        return request

    def request_text(self) -> str:
        """Return URL, headers and body of the request as one text to search in, seal or not."""
        sealed = self.request.rpartition(":")[0]
        try:
            request = json.loads(signing.b64_decode(sealed.encode()))
            body = base64.b64decode(request.pop("body")).decode(errors="replace")
        except (KeyError, TypeError, ValueError):
            return self.request
        return f"{json.dumps(request)}\n{body}"

    @property
    def _signer(self) -> signing.Signer:
        event = self.event
        place = (event.provider, event.account_sid, event.kind, event.subject_sid, self.entry)
        return signing.Signer(salt=":".join(("mediapipe.gateway", *place)))

    def claim(self) -> bool:
        """Lease the delivery for one attempt; False if it is not due or another worker has it.

        The caller sends the request right after this and does nothing else in between: a lease
        that ends without a result means that the app may have the message.
        """
        now = timezone.now()
        mine = GatewayDelivery.objects.filter(pk=self.pk, attempts=self.attempts).due(now)
        changes = {"status": GatewayStatus.SENDING, "next_attempt_at": now + LEASE}
        if not mine.update(attempts=F("attempts") + 1, media_then=self.media_summary(), **changes):
            return False
        self.attempts += 1
        self.status, self.next_attempt_at = GatewayStatus.SENDING, now + LEASE
        return True

    def media_summary(self) -> str:
        """Return what the media of the message is now, such as "2 stored, 1 retrying"."""
        statuses = self.event.media.values_list("status").annotate(models.Count("pk"))
        return ", ".join(f"{count} {status}" for status, count in statuses.order_by("status"))

    def finish(self, status: GatewayStatus, result: AttemptResult) -> bool:
        """End the attempt and the delivery; return False if the lease was lost.

        The request stays only where the app may not have it, for "send again".
        """
        changes: dict[str, Any] = {"status": status, "next_attempt_at": None}
        changes |= {"ended_at": timezone.now(), "conversation": ""}
        if status not in UNDELIVERED:
            changes["request"] = ""
        return self._end_attempt(result, changes)

    def retry_later(self, result: AttemptResult, retry_after_s: float | None = None) -> None:
        """End the attempt, and schedule the next one, or give up if this was the last.

        `retry_after_s` is what the app asked for, in seconds; it counts up to an hour.
        """
        if self.attempts >= MAX_ATTEMPTS:
            self.finish(GatewayStatus.GAVE_UP, result)
            return
        delay_s = max(BACKOFF.delay_s(self.attempts - 1), retry_after_s or 0.0)
        due = timezone.now() + timedelta(seconds=min(delay_s, BACKOFF.max_s))
        changes = {"next_attempt_at": due, "sweep_at": due, "late": True}
        self._end_attempt(result, {"status": GatewayStatus.WAITING, **changes})

    def _end_attempt(self, result: AttemptResult, changes: dict[str, Any]) -> bool:
        began = (self.next_attempt_at or timezone.now()) - LEASE
        took_s = round((timezone.now() - began).total_seconds(), 3)
        entry = {"at": began.isoformat(), "took_s": took_s, "result": result.detail[:255]}
        columns = asdict(result) | {
            "detail": result.detail[:255],
            "content_type": result.content_type[:100],
            "log": [*self.log, entry],
        }
        ours = GatewayDelivery.objects.sending().filter(pk=self.pk, attempts=self.attempts)
        if not ours.update(**columns, **changes):
            return False
        vars(self).update(columns | changes)
        return True
