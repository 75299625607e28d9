from __future__ import annotations

from django.contrib import admin

from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import Rejection


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    """How many webhooks were refused, hour by hour, and why."""

    list_display = ("hour", "reason", "count", "last_at")
    list_filter = ("reason", "hour")
