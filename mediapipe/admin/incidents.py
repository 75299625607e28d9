from __future__ import annotations

from django.contrib import admin

from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import AccountTrouble, Incident


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Trouble of a whole account or of our storage, told once."""

    list_display = ("cause", "account_sid", "opened_at", "last_seen_at", "count", "resolved_at")
    list_filter = ("cause", ("resolved_at", admin.EmptyFieldListFilter))


@admin.register(AccountTrouble)
class AccountTroubleAdmin(ReadOnlyAdmin):
    """Accounts whose fetches are paused or limited at this moment."""

    list_display = ("account_sid", "refusals", "paused_at", "probe_at", "rate_limits", "limit")
