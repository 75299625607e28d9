from __future__ import annotations

from django.db import models


class DoctorReport(models.Model):
    """What `manage.py doctor` last found in one part; `findings` are as in its JSON output."""

    part = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()
    findings = models.JSONField(default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.part
