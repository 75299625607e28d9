from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from mediapipe.models.incident_steps import IncidentStep
from mediapipe.models.outbox import OutboxMessage, OutboxQuerySet

# Detection writes the values of an incident right after its step; the message should contain both.
COALESCE_DELAY = timedelta(seconds=2)


class Channel(models.TextChoices):
    """Where incident notifications are sent."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    SLACK = "slack", "Slack"

    @classmethod
    def configured(cls) -> list[Channel]:
        """Return the channels that have an address in the settings."""
        addresses = {
            cls.EMAIL: settings.ESCALATION_EMAILS,
            cls.WEBHOOK: settings.ESCALATION_WEBHOOK_URL,
            cls.SLACK: settings.ESCALATION_SLACK_URL,
        }
        return [channel for channel, address in addresses.items() if address]


class NoticeQuerySet(OutboxQuerySet["Notice"]):
    def due(self, now: datetime) -> NoticeQuerySet:
        """Due, and no earlier notice of the same incident is pending on the same channel."""
        before = Notice.objects.pending().filter(
            incident=OuterRef("incident"), channel=OuterRef("channel"), pk__lt=OuterRef("pk")
        )
        return super().due(now).filter(~Exists(before))


class Notice(OutboxMessage):
    """The notification of one incident step on one channel.

    Written together with the step, for the channels configured at that moment: each step is sent
    once per channel, and a new channel starts with the next step.
    """

    step = models.ForeignKey(IncidentStep, models.CASCADE, related_name="notices")
    incident = models.ForeignKey("mediapipe.Incident", models.CASCADE, related_name="notices")
    channel = models.CharField(max_length=12, choices=Channel.choices)

    objects = NoticeQuerySet.as_manager()

    class Meta(OutboxMessage.Meta):
        verbose_name = "notification"
        constraints = [
            models.UniqueConstraint(fields=["step", "channel"], name="one_notice_a_step_a_channel")
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.step.kind}"

    @staticmethod
    def enqueue(step: IncidentStep) -> None:
        """Add one notice per configured channel; call it in the transaction of the step."""
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
