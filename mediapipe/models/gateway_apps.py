from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone

# After this many failed connections in a row, nothing is sent to the app for BLOCKED_FOR.
FAILURES_TO_BLOCK = 3
BLOCKED_FOR = timedelta(seconds=10)


class GatewayAppQuerySet(models.QuerySet["GatewayApp"]):
    def blocked(self, now: datetime) -> GatewayAppQuerySet:
        """Apps whose circuit breaker is open: nothing is sent to them until `blocked_until`."""
        return self.filter(blocked_until__gt=now)


class GatewayApp(models.Model):
    """The circuit breaker of one entry of GATEWAY_FILE, shared by all processes."""

    name = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField("failed connections in a row", default=0)
    blocked_until = models.DateTimeField(null=True, blank=True)

    objects = GatewayAppQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def record_failure(cls, name: str) -> None:
        """Count a failed connection; from FAILURES_TO_BLOCK in a row on, block the app."""
        app = cls.objects.get_or_create(name=name)[0]
        row = cls.objects.filter(pk=app.pk)
        row.update(failures=F("failures") + 1)
        failed = row.filter(failures__gte=FAILURES_TO_BLOCK)
        failed.update(blocked_until=timezone.now() + BLOCKED_FOR)

    @classmethod
    def record_response(cls, name: str) -> None:
        """Close the breaker: the app was reached."""
        cls.objects.filter(name=name, failures__gt=0).update(failures=0, blocked_until=None)
