from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
)
from django.db.models.functions import Cast
from django.utils import timezone

from mediapipe.models.incident_steps import IncidentMedia
from mediapipe.models.incidents import Incident
from mediapipe.models.status import UNFINISHED, Phase
from mediapipe.providers.base import Evidence

INTERRUPTED = "interrupted"
# `rate_limited` misses attempts that take longer: it finds them by their start, which is indexed.
LONGEST = timedelta(seconds=30)
# In whole milliseconds, because Django adds no other duration to a time on SQLite.
TOOK = ExpressionWrapper(
    Cast(F("duration_s") * 1000, IntegerField()) * timedelta(milliseconds=1),
    output_field=DurationField(),
)
ENDED_AT = ExpressionWrapper(F("started_at") + TOOK, output_field=DateTimeField())


class AttemptQuerySet(models.QuerySet["FetchAttempt"]):
    def rate_limited(self, account_sid: str, window: timedelta) -> tuple[int, int]:
        """Return how many attempts of an account ended within the window, and how many got a 429.

        Both numbers are at least 1, for the attempt whose response has just arrived.
        """
        since = timezone.now() - window
        of_account = self.filter(media__account_sid=account_sid, started_at__gt=since - LONGEST)
        ended = of_account.alias(ended_at=ENDED_AT).filter(ended_at__gt=since)
        counts = ended.aggregate(n=Count("pk"), limited=Count("pk", filter=Q(http_status=429)))
        return max(counts["n"], 1), max(counts["limited"], 1)

    def before(self, moment: datetime) -> AttemptQuerySet:
        """Attempts begun before this moment that may be purged, the oldest first.

        Left out are attempts of unfinished media, and evidence of an incident that is open or was
        resolved since.
        """
        cases = Incident.objects.open() | Incident.objects.resolved_since(moment)
        evidence = IncidentMedia.objects.filter(incident__in=cases, media=OuterRef("media"))
        old = self.filter(~Exists(evidence), started_at__lt=moment)
        return old.exclude(media__status__in=UNFINISHED).order_by("started_at")


class FetchAttempt(models.Model):
    """One attempt to fetch a media item: inserted before the request is sent, closed after it.

    `outcome` is empty while the attempt runs, then `stored` or the slug of a failure.
    """

    media = models.ForeignKey("mediapipe.MediaItem", models.CASCADE, related_name="attempt_set")
    number = models.PositiveIntegerField()
    phase = models.CharField(
        max_length=8, choices=[(phase.value, phase.title()) for phase in Phase]
    )
    started_at = models.DateTimeField()
    duration_s = models.FloatField("duration (s)", null=True, blank=True)
    outcome = models.CharField(max_length=32, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    http_status = models.PositiveSmallIntegerField("HTTP status", null=True, blank=True)
    twilio_code = models.PositiveIntegerField("Twilio error code", null=True, blank=True)
    twilio_request_id = models.CharField("Twilio request ID", max_length=64, blank=True)
    home_region = models.CharField(max_length=32, blank=True)
    redirect_host = models.CharField(max_length=255, blank=True)
    bytes_received = models.BigIntegerField(default=0)
    task_id = models.CharField(max_length=64, blank=True)
    worker = models.CharField(max_length=128, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["media", "number"], name="one_row_an_attempt")
        ]
        indexes = [models.Index(fields=["started_at"], name="attempt_started")]

    def __str__(self) -> str:
        return f"attempt {self.number}"

    @staticmethod
    def ended(outcome: str, detail: str, evidence: Evidence) -> dict[str, Any]:
        """Return the columns of an attempt that ended with this outcome and evidence."""
        return {
            "outcome": outcome,
            "detail": detail[:255],
            "duration_s": evidence.duration_s,
            "http_status": evidence.http_status,
            "twilio_code": evidence.error_code,
            "twilio_request_id": evidence.request_id[:64],
            "home_region": evidence.home_region[:32],
            "redirect_host": evidence.redirect_host[:255],
            "bytes_received": evidence.bytes_received,
        }
