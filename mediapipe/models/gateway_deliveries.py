from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.core import signing
from django.db import InterfaceError, OperationalError, models
from django.db.models import F
from django.utils import timezone

from mediapipe.models.events import WebhookEvent
from mediapipe.models.gateway_queryset import GatewayDeliveryQuerySet
from mediapipe.models.gateway_status import (
    UNDELIVERED,
    AnswerUse,
    AttemptResult,
    GatewayStatus,
)
from mediapipe.models.outbox import BACKOFF, LEASE, MAX_ATTEMPTS, DeliveryAttempt


class GatewayDelivery(models.Model):
    """One webhook that is passed on to one app; a hand-off, by contrast, is a message of our own.

    Written in the transaction of the event, for each matching entry of GATEWAY_FILE. `request` is
    the webhook as it was received, sealed: one that was changed in the database is never sent. It
    is erased on delivery. `conversation` is equal for messages that must stay in order, and "" for
    those that need not. `next_attempt_at` is when the next attempt is due or, during an attempt,
    when its lease ends; `sweep_at` is when its task is considered lost. `late` deliveries are sent
    at the pace of their app.

    Only these methods and those of the queryset change the status.
    """

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="gateway_deliveries")
    entry = models.CharField("app", max_length=40)
    # The status of a recording, because each one is a webhook of its own; "" for other webhooks.
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

    objects = GatewayDeliveryQuerySet["GatewayDelivery"].as_manager()

    class Meta:
        verbose_name = "delivery to an app"
        verbose_name_plural = "deliveries to apps"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "entry", "about"], name="one_delivery_an_app")
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="gateway_conversation"),
            models.Index(fields=["ended_at"], name="gateway_ended"),
            # Thousands may wait for an app that is unavailable.
            models.Index(
                fields=["entry", "late", "id"],
                condition=models.Q(status="waiting"),
                name="gateway_waiting",
            ),
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

    @property
    def is_resendable(self) -> bool:
        """Whether it can be sent again: the app may not have it, and its request is stored."""
        return self.status in UNDELIVERED and bool(self.request)

    def seal(self, request: dict[str, Any]) -> None:
        """Set the request, signed for this event and app."""
        self.request = self._signer.sign_object(request)

    def unseal(self) -> dict[str, Any]:
        """Return the request; raise signing.BadSignature if it was not sealed for this delivery."""
        request: dict[str, Any] = self._signer.unsign_object(self.request)
        return request

    def request_text(self) -> str:
        """Return URL, headers and body of the request as searchable text, without its seal."""
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

    def set_ended(self, status: GatewayStatus, detail: str) -> None:
        """Set the result of a delivery whose only attempt ends before its row is inserted."""
        self.status, self.detail = status, detail
        self.attempts, self.next_attempt_at, self.ended_at = 1, None, timezone.now()
        self.conversation = ""
        if status not in UNDELIVERED:
            self.request = ""

    def claim(self, *, answering: bool = False) -> bool:
        """Lease the delivery for one attempt; False if it is not due or another worker has it.

        `answering` is passed on to due(). The caller must send the request right after this, with
        nothing in between: a lease that expires means that the app may have the message.
        """
        now = timezone.now()
        mine = GatewayDelivery.objects.filter(pk=self.pk, attempts=self.attempts)
        mine = mine.due(now, answering=True) if answering else mine.due(now).in_turn(now)
        changes = {"status": GatewayStatus.SENDING, "next_attempt_at": now + LEASE}
        if not mine.update(attempts=F("attempts") + 1, **changes):
            return False
        self.attempts += 1
        self.status, self.next_attempt_at = GatewayStatus.SENDING, now + LEASE
        # If the database fails now, the caller still sends the request, and records its result when
        # the database is back: otherwise the claim would end as a message that the app may have.
        with suppress(OperationalError, InterfaceError):
            # After the claim: a summary from before it could be outdated.
            self.media_then = self.media_summary()
            GatewayDelivery.objects.filter(pk=self.pk).update(media_then=self.media_then)
        return True

    def media_summary(self) -> str:
        """Return the current statuses of the message's media, such as "2 stored, 1 retrying"."""
        statuses = self.event.media.values_list("status").annotate(models.Count("pk"))
        return ", ".join(f"{count} {status}" for status, count in statuses.order_by("status"))

    def finish(self, status: GatewayStatus, result: AttemptResult) -> bool:
        """End the attempt and the delivery; return False if the lease was lost.

        The request is kept only if the app may not have it, for "send again".
        """
        changes: dict[str, Any] = {"status": status, "next_attempt_at": None}
        changes |= {"ended_at": timezone.now(), "conversation": ""}
        if status not in UNDELIVERED:
            changes["request"] = ""
        return self._end_attempt(result, changes)

    def retry_later(self, result: AttemptResult, retry_after_s: float | None = None) -> None:
        """End the attempt, and schedule the next one, or give up if this was the last.

        `retry_after_s` is the wait that the app asked for, in seconds; it is capped at an hour.
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


GatewayDeliveries: TypeAlias = GatewayDeliveryQuerySet[GatewayDelivery]
