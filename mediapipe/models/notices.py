from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from mediapipe.models.incident_steps import IncidentStep
from mediapipe.models.outbox import OutboxMessage, OutboxQuerySet

# Detection writes the figures of an incident right after its step: they belong into the message.
COALESCE_DELAY = timedelta(seconds=2)


class Channel(models.TextChoices):
    """How people, or their programs, are told of an incident."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    SLACK = "slack", "Slack"

    @classmethod
    def configured(cls) -> list[Channel]:
        """Return those that the environment gives an address."""
        addresses = {
            cls.EMAIL: settings.ESCALATION_EMAILS,
            cls.WEBHOOK: settings.ESCALATION_WEBHOOK_URL,
            cls.SLACK: settings.ESCALATION_SLACK_URL,
        }
        return [channel for channel, address in addresses.items() if address]


class NoticeQuerySet(OutboxQuerySet["Notice"]):
    """The questions that are asked of notices."""

    def due(self, now: datetime) -> NoticeQuerySet:
        """Those that are due, each after what its channel has to say of the incident before it."""
        before = Notice.objects.waiting().filter(
            incident=OuterRef("incident"), channel=OuterRef("channel"), pk__lt=OuterRef("pk")
        )
        return super().due(now).filter(~Exists(before))


class Notice(OutboxMessage):
    """What one channel has to be told: one step of one incident.

    It is written together with the step, for each channel that is configured at that moment, so
    that none is forgotten, none is told twice, and a new channel begins with what is new.
    """

    step = models.ForeignKey(IncidentStep, models.CASCADE, related_name="notices")
    incident = models.ForeignKey("mediapipe.Incident", models.CASCADE, related_name="notices")
    channel = models.CharField(max_length=12, choices=Channel.choices)

    objects = NoticeQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        abstract = False
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["step", "channel"], name="one_notice_a_step_a_channel")
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.step.kind}"

    @staticmethod
    def enqueue(step: IncidentStep) -> None:
        """Add one notice per configured channel; part of the transaction that records the step."""
        due = step.at + COALESCE_DELAY
        Notice.objects.bulk_create(
            Notice(
                step=step,
                incident_id=step.incident_id,
                channel=channel,
                next_attempt_at=due,
                sweep_at=due,
            )
            for channel in Channel.configured()
        )
