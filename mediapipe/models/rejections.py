from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Sum
from django.utils import timezone


class Rejection(models.Model):
    """How many webhooks were refused in one hour for one reason; nothing else about them is kept.

    There is one row per hour and reason, so a flood of forged requests does not fill the table.
    """

    reason = models.CharField(max_length=40)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reason", "hour"], name="one_row_an_hour_and_reason")
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.reason}"

    @classmethod
    def total(cls) -> int:
        """Return the number of all webhooks ever refused."""
        return cls.objects.aggregate(total=Sum("count", default=0))["total"] or 0

    @classmethod
    def add(cls, reason: str, at: datetime | None = None) -> None:
        """Count one refused webhook."""
        at = at or timezone.now()
        hour = at.replace(minute=0, second=0, microsecond=0)
        row, _ = cls.objects.get_or_create(reason=reason, hour=hour, defaults={"last_at": at})
        cls.objects.filter(pk=row.pk).update(count=F("count") + 1, last_at=at)
