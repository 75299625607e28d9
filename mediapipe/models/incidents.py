from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Cause(models.TextChoices):
    """What an incident is about; it is told once, however many media items it holds up."""

    CREDENTIALS = "credentials_refused"
    RATE_LIMIT = "rate_limited"
    STORAGE = "storage_failed"


class IncidentQuerySet(models.QuerySet["Incident"]):
    """The questions that are asked of incidents."""

    def open(self) -> IncidentQuerySet:
        """Those that are not over."""
        return self.filter(resolved_at=None)


class Incident(models.Model):
    """One trouble of a whole account, or of the whole service, from its first sign to its end."""

    cause = models.CharField(max_length=32, choices=Cause.choices)
    account_sid = models.CharField("account SID", max_length=34, blank=True)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField("times seen", default=0)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause", "account_sid"],
                condition=Q(resolved_at=None),
                name="one_open_incident_a_cause",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()} {self.account_sid}".strip()

    @classmethod
    def see(cls, cause: Cause, account_sid: str = "") -> None:
        """Open an incident, or note that the one that is open goes on."""
        now = timezone.now()
        incident, _ = cls.objects.open().get_or_create(
            cause=cause,
            account_sid=account_sid,
            resolved_at=None,
            defaults={"opened_at": now, "last_seen_at": now},
        )
        cls.objects.filter(pk=incident.pk).update(count=F("count") + 1, last_seen_at=now)

    @classmethod
    def resolve(cls, cause: Cause, account_sid: str = "") -> None:
        """Note that the trouble is over."""
        incidents = cls.objects.open().filter(cause=cause, account_sid=account_sid)
        incidents.update(resolved_at=timezone.now())
