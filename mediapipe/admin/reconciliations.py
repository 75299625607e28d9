from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from mediapipe.admin import text
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import Reconciliation


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """How far each comparison with Twilio's lists is, and what had been missing."""

    list_display = (
        "account_sid",
        "done",
        "looked_at",
        "taken_in",
        "error",
        "scheduled",
        "from_when",
        "till_when",
    )
    list_filter = ("scheduled",)
    ordering = ("-started_at",)

    @admin.display(description="from", ordering="since")
    def from_when(self, run: Reconciliation) -> str | SafeString:
        return text.timestamp(run.since)

    @admin.display(description="until", ordering="until")
    def till_when(self, run: Reconciliation) -> str | SafeString:
        return text.timestamp(run.until)

    @admin.display(description="is at", ordering="done_until")
    def done(self, run: Reconciliation) -> str | SafeString:
        return "finished" if run.finished_at else text.timestamp(run.done_until)
