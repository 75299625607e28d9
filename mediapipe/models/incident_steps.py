from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class StepKind(models.TextChoices):
    """What can happen to an incident."""

    OPENED = "opened"
    WORSE = "worse"
    RECOVERED = "recovered"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    NOTED = "noted"


# Automatic steps that send notifications. Users take the other steps, and so know of them.
NOTIFIABLE = (StepKind.OPENED, StepKind.WORSE, StepKind.RECOVERED, StepKind.REOPENED)


class IncidentStepQuerySet(models.QuerySet["IncidentStep"]):
    def notifiable(self) -> IncidentStepQuerySet:
        """Automatic steps that are sent to every channel, each exactly once."""
        return self.filter(kind__in=NOTIFIABLE, by=None)


class IncidentStep(models.Model):
    """One entry in an incident's history: what happened, when, and by whom (None: automatic).

    Written in the transaction that changes the incident, so that exactly one step exists when
    several workers detect the same change.
    """

    incident = models.ForeignKey("mediapipe.Incident", models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=12, choices=StepKind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=255, blank=True)

    objects = IncidentStepQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class IncidentMedia(models.Model):
    """A media item affected by an incident, and when it was added."""

    incident = models.ForeignKey("mediapipe.Incident", models.CASCADE, related_name="+")
    media = models.ForeignKey("mediapipe.MediaItem", models.CASCADE, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "media"], name="one_row_an_affected_media_item"
            )
        ]

    def __str__(self) -> str:
        return f"media {self.media_id} of incident {self.incident_id}"

    @staticmethod
    def add(incident_id: int, media: models.QuerySet[Any]) -> datetime | None:
        """Add the media items that the incident does not have yet.

        Return when the first of them was received, None if there are none.
        """
        # Subtracted here: with statistics from before the incident grew, PostgreSQL compares every
        # row of one side with every row of the other, 200 million pairs for 20,000 items.
        present = set(
            IncidentMedia.objects.filter(incident=incident_id).values_list("media_id", flat=True)
        )
        affected = media.order_by().values_list("pk", "received_at")
        received = {pk: at for pk, at in affected if pk not in present}
        rows = [IncidentMedia(incident_id=incident_id, media_id=pk) for pk in received]
        # Another worker may add the same items at the same moment.
        IncidentMedia.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        return min(received.values(), default=None)
