from __future__ import annotations

from django.contrib import admin

from mediapipe.admin.outbox import OutboxAdmin
from mediapipe.models import Deletion


@admin.register(Deletion)
class DeletionAdmin(OutboxAdmin):
    """Which media item is gone at Twilio, and why others are not."""

    list_display = ("item", "outcome", "attempts", "answer", "due")
    list_display_links = ("outcome",)
    list_filter = ("status", "dry_run")
    fields = ("item", "outcome", "due", "tries")
    readonly_fields = fields

    @admin.display(description="at Twilio")
    def outcome(self, owed: Deletion) -> str:
        if owed.dry_run:
            return "kept: a dry run"
        return {"delivered": "deleted", "failed": "kept"}.get(owed.status, "to be deleted")
