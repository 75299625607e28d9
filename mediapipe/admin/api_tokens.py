from __future__ import annotations

from django.contrib import admin

from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Who may read the JSON API; `manage.py api_token` makes and revokes."""

    list_display = ("name", "accounts", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
