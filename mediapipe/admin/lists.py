from __future__ import annotations

from typing import Any

from celery.states import ALL_STATES
from django.contrib import admin
from django.http import HttpRequest
from django_celery_results.admin import TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from mediapipe.admin import text
from mediapipe.admin.filters import Choice, ExactFilter
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import ApiToken, Reconciliation, Rejection


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens of the JSON API; `manage.py api_token` creates and revokes them."""

    list_display = ("name", "accounts", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    """Rejected webhooks per hour and reason."""

    list_display = ("hour", "reason", "count", "last_at")
    list_filter = ("reason", "hour")


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """The progress of each comparison with Twilio's lists, and how much was missing."""

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
    def from_when(self, run: Reconciliation) -> str:
        return text.timestamp(run.since)

    @admin.display(description="until", ordering="until")
    def till_when(self, run: Reconciliation) -> str:
        return text.timestamp(run.until)

    @admin.display(description="progress", ordering="done_until")
    def done(self, run: Reconciliation) -> str:
        return "finished" if run.finished_at else text.timestamp(run.done_until)


class TaskStateFilter(ExactFilter):
    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(state, state) for state in sorted(ALL_STATES)]


class ResultAdmin(ReadOnlyAdmin):
    """Their page, with a list that does not scan the table for its filters and its count."""

    fieldsets = TaskResultAdmin.fieldsets
    list_display = ("task_id", "task_name", "date_done", "status", "worker")
    list_filter = (TaskStateFilter, "date_done")
    search_fields = ("=task_id",)
    search_help_text = "A complete task id."


def replace_result_admin() -> None:
    """Replace the list of django-celery-results, once it is registered; we use no groups."""
    admin.site.unregister([TaskResult, GroupResult])
    admin.site.register(TaskResult, ResultAdmin)
