from __future__ import annotations

from django.contrib import admin

from mediapipe.admin.outbox import OutboxAdmin
from mediapipe.models import HandOff


@admin.register(HandOff)
class HandOffAdmin(OutboxAdmin):
    """Which receiver was told of which media item."""

    list_display = ("item", "ending", "receiver", "state", "attempts", "answer", "due")
    list_display_links = ("ending",)
    list_filter = ("status", "receiver", "ending")
    fields = ("key", "item", "ending", "receiver", "state", "due", "delivered_at", "tries")
    readonly_fields = fields
