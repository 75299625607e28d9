from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import OPTIONAL_FIELDS, InboundMessage, Kind


class EventQuerySet(models.QuerySet["WebhookEvent"]):
    def with_payload_before(self, moment: datetime) -> EventQuerySet:
        """Events from before this time that have a payload and no unfinished media.

        A repeat does not postpone the purge: by replaying a captured webhook, an attacker could
        otherwise keep its payload for ever.
        """
        old = self.filter(purged_at=None, received_at__lt=moment)
        return old.exclude(media__status__in=UNFINISHED).order_by("received_at")

    def purge_payloads(self) -> int:
        """Delete parameters and phone numbers, also of repeats; return how many events."""
        with transaction.atomic():
            # Locked, so that a webhook arriving now sees all of the payload or nothing.
            ids = list(self.select_for_update().values_list("pk", flat=True))
            # A short text can be guessed from its digest, so digests are replaced; those of one
            # event's repeats must differ.
            unique = Concat(Value("purged-"), Cast("pk", models.CharField()))
            repeated = RepeatedWebhook.objects.filter(event__in=ids)
            repeated.update(parameters=[], digest=unique)
            return WebhookEvent.objects.filter(pk__in=ids).update(
                parameters=[], sender="", recipient="", digest="", purged_at=timezone.now()
            )

    def mark_erased(self) -> None:
        """Stop recording anything about them, even if their webhooks are repeated."""
        self.filter(forgotten_at=None).update(forgotten_at=timezone.now())


class WebhookEvent(models.Model):
    """One message or recording at the provider, however often it is announced.

    `parameters` are the name-value pairs of the first webhook, in order and as received. They
    and the phone numbers are deleted at `purged_at`, by retention or on request. Once
    `forgotten_at` is set, nothing more is recorded about the event.
    """

    provider = models.CharField(max_length=16, default="twilio")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.title()) for kind in Kind])
    source = models.CharField(max_length=16, help_text="The webhook URL that announced it first.")
    account_sid = models.CharField("account SID", max_length=34)
    subject_sid = models.CharField("message or recording SID", max_length=34)
    call_sid = models.CharField("call SID", max_length=34, blank=True)
    conference_sid = models.CharField("conference SID", max_length=34, blank=True)
    conversation_sid = models.CharField(
        "conversation SID", max_length=34, blank=True, default="", db_default=""
    )
    # A WhatsApp user id has up to 150 characters with its channel, an e-mail address 254.
    sender = models.CharField(max_length=255, blank=True)
    recipient = models.CharField(max_length=255, blank=True)
    home_region = models.CharField(max_length=32, blank=True)
    parameters = models.JSONField()
    digest = models.CharField(max_length=64, editable=False)
    received_at = models.DateTimeField()
    repeats = models.PositiveIntegerField(
        default=0, help_text="How often the same event was announced again."
    )
    last_repeat_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField("payload deleted at", null=True, blank=True)
    forgotten_at = models.DateTimeField(null=True, blank=True)

    objects = EventQuerySet.as_manager()

    # The ids of its queued media; set only on an event that record() returns.
    queued: list[int]
    # Whether record() has just inserted deliveries to apps behind the gateway.
    has_deliveries = False

    class Meta:
        permissions = [("view_numbers", "Can see phone numbers")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "account_sid", "kind", "subject_sid"],
                name="one_event_a_subject",
            )
        ]
        indexes = [
            models.Index(fields=["-received_at"], name="event_received"),
            models.Index(fields=["subject_sid"], name="event_subject"),
            models.Index(fields=["call_sid"], name="event_call"),
            models.Index(fields=["conversation_sid"], name="event_conversation"),
            models.Index(fields=["sender"], name="event_sender"),
            models.Index(fields=["recipient"], name="event_recipient"),
            models.Index(
                fields=["received_at"], name="event_payload", condition=Q(purged_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.subject_sid

    @property
    def text(self) -> str:
        """The text of the message, or ""."""
        text: str = dict(self.parameters).get("Body", "")
        return text

    @classmethod
    def from_message(cls, message: InboundMessage, *, provider: str, at: datetime) -> WebhookEvent:
        """Return the unsaved row of a message that was received at this time."""
        return cls(
            provider=provider,
            kind=message.kind,
            source=message.source,
            account_sid=message.account_sid,
            subject_sid=message.subject_sid,
            parameters=message.parameters,
            digest=digest_of(message.source, message.parameters),
            received_at=at,
            **cls.optional_values(message),
        )

    @classmethod
    def optional_values(cls, message: InboundMessage) -> dict[str, str]:
        """Return the optional fields of a message, cut to the length of their columns."""
        return {
            column.name: getattr(message, column.name)[: column.max_length]
            for column in cls._meta.concrete_fields
            if column.name in OPTIONAL_FIELDS
        }


class RepeatedWebhook(models.Model):
    """A later webhook about the same event with other parameters; equal ones share one row."""

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="repeated")
    source = models.CharField(max_length=16)
    parameters = models.JSONField()
    digest = models.CharField(max_length=64, editable=False)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "digest"], name="one_row_a_different_webhook")
        ]

    def __str__(self) -> str:
        return f"{self.source} at {self.received_at:%Y-%m-%d %H:%M:%S}"


def digest_of(source: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 in hex of the source and the parameters, whatever their order."""
    text = json.dumps([source, sorted(parameters)])
    return hashlib.sha256(text.encode()).hexdigest()
