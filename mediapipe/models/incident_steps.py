from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from mediapipe.models.notices import Notice


class Step(models.TextChoices):
    """What can happen to an incident."""

    OPENED = "opened"
    WORSE = "worse"
    RECOVERED = "recovered"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    RESOLVED = "resolved"
    IGNORED = "ignored"


# What nobody did by hand, and people therefore have to be told.
ANNOUNCED = (Step.OPENED, Step.WORSE, Step.RECOVERED, Step.REOPENED)


class IncidentStepQuerySet(models.QuerySet["IncidentStep"]):
    """The questions that are asked of the steps of incidents."""

    def announced(self) -> IncidentStepQuerySet:
        """Those that people have to be told of, each exactly once."""
        return self.filter(kind__in=ANNOUNCED, by=None)


class IncidentStep(models.Model):
    """One step of an incident's life: what, when, and by whom; nobody for what came by itself.

    A step is written in the transaction that changes the incident, so that of several workers
    which see the same change one writes it.
    """

    incident = models.ForeignKey("mediapipe.Incident", models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=12, choices=Step.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=255, blank=True)

    objects = IncidentStepQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the step down together with who has to be told of it."""
        new = self.pk is None
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new and self.kind in ANNOUNCED and self.by_id is None:
                Notice.owe(self)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class IncidentMedia(models.Model):
    """One media item that an incident affected, and since when it counts among them."""

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
