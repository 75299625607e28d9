"""The results of Celery's tasks, of which there is one for every media item."""

from __future__ import annotations

from typing import Any

from celery.states import ALL_STATES
from django.contrib import admin
from django.http import HttpRequest
from django_celery_results.admin import TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from mediapipe.admin.filters import Choice, Exactly
from mediapipe.admin.readonly import ReadOnlyAdmin


class StateFilter(Exactly):
    """How the task ended, or where it is."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(state, state) for state in sorted(ALL_STATES)]


class ResultAdmin(ReadOnlyAdmin):
    """Their page, and a list that does not read the whole table for its filters and its count."""

    fieldsets = TaskResultAdmin.fieldsets
    list_display = ("task_id", "task_name", "date_done", "status", "worker")
    list_filter = (StateFilter, "date_done")
    search_fields = ("=task_id",)
    search_help_text = "A whole task id."


def replace() -> None:
    """Put our list in the place of theirs, once theirs is registered; we make no group results."""
    admin.site.unregister([TaskResult, GroupResult])
    admin.site.register(TaskResult, ResultAdmin)
