"""The results of Celery tasks, which django-celery-results stores."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from celery import states
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_celery_results.models import GroupResult, TaskResult

from mediapipe.admin import text
from mediapipe.admin.filters import Choice, ExactFilter, PeriodFilter
from mediapipe.admin.readonly import ReadOnlyAdmin
from mediapipe.models import FetchAttempt, Status

# The states that our tasks record, each with the media state whose sign and colour it gets.
STATES = {
    states.SUCCESS: (Status.STORED, "succeeded"),
    states.RETRY: (Status.RETRYING, "retrying"),
    states.FAILURE: (Status.FAILED, "failed"),
}
# Celery stores the arguments as text, with quotation marks around it: "{'media_id': 7}".
MEDIA_ID = re.compile(r"'media_id': (\d{1,18})\b")
# The arguments that are the id of a row: what it is called, and the model of its page.
ROWS = {"media_id": ("item", "mediaitem"), "notice_id": ("notification", "notice")}


class StateFilter(ExactFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(state, word) for state, (_, word) in STATES.items()]


class EndedFilter(PeriodFilter):
    title = "ended"
    column = "date_done"


class ResultAdmin(ReadOnlyAdmin):
    """The list of task results, which scans the table neither for its filters nor for its count."""

    explanation = (
        "How each Celery task that has a result ended. Media items and attempts have their own "
        "pages; this list is for questions about Celery."
    )
    empty = "No task has ended yet. Start the service with make run."
    list_display = ("ended", "state", "task", "item", "outcome", "attempts_took", "worker")
    list_display_links = ("state",)
    list_filter = (StateFilter, EndedFilter)
    search_fields = ("=task_id",)
    search_help_text = "A complete task ID."
    ordering = ("-date_done",)
    sortable_by = ("ended",)
    fields = readonly_fields = (
        "state",
        "task",
        "arguments",
        "outcome",
        "ended",
        "attempts_took",
        "worker",
        "task_id",
        "stack",
    )

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list, with `took_s` set on its rows."""
        changelist = super().get_changelist_instance(request)
        add_durations(changelist.result_list)
        return changelist

    def get_object(self, *args: Any, **options: Any) -> Any:
        result: Any = super().get_object(*args, **options)
        add_durations([result] if result else [])
        return result

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        # Otherwise Django would show <Task: ... (FAILURE)>.
        context["subtitle"] = context["original"].task_id
        return super().render_change_form(request, context, *args, **options)

    @admin.display(description="ended", ordering="date_done")
    def ended(self, result: TaskResult) -> str:
        return text.timestamp(result.date_done)

    @admin.display(description="state")
    def state(self, result: TaskResult) -> SafeString | str:
        return state_label(result)

    @admin.display(description="task")
    def task(self, result: TaskResult) -> str:
        # The last part is enough: in tasks.fetch_media.fetch_media the module has the same name.
        return text.plain(result.task_name or "-").rpartition(".")[2]

    @admin.display(description="media item")
    def item(self, result: TaskResult) -> SafeString | str:
        pk = media_id(result)
        return "-" if pk is None else argument("media_id", pk)

    @admin.display(description="result")
    def outcome(self, result: TaskResult) -> str:
        return first_line(decoded(result.result))

    @admin.display(description="attempts took")
    def attempts_took(self, result: Any) -> str:
        return text.duration(result.took_s)

    @admin.display(description="arguments")
    def arguments(self, result: TaskResult) -> SafeString | str:
        stored = decoded(result.task_kwargs)
        given = named_arguments(stored)
        if given is None:
            return text.plain(stored)
        return format_html_join(", ", "{}", ((argument(*each),) for each in given.items())) or "-"

    @admin.display(description="traceback")
    def stack(self, result: TaskResult) -> SafeString | str:
        trace = text.plain(result.traceback or "")
        return format_html("<pre>{}</pre>", trace) if trace else "-"


def state_label(result: TaskResult) -> SafeString | str:
    """Return the state as sign and word; a state that our tasks do not record, as a word only."""
    if result.status not in STATES:
        return text.plain(result.status).lower()
    return text.state_label(*STATES[result.status])


def media_id(result: TaskResult) -> int | None:
    """Return the id of the media item that a task was about; None if it was about none."""
    found = MEDIA_ID.search(result.task_kwargs or "")
    return int(found[1]) if found else None


def named_arguments(stored: object) -> dict[str, object] | None:
    """Return a task's arguments by name; None if Celery's text cannot be read, as it may be cut."""
    try:
        given = ast.literal_eval(str(stored or "{}"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def argument(name: str, value: object) -> SafeString | str:
    """Return an argument as a link to the row that it is the id of, or as its name and value."""
    if name not in ROWS or not isinstance(value, int):
        return text.plain(f"{name}: {value}")
    label, model = ROWS[name]
    page = reverse(f"admin:mediapipe_{model}_change", args=[value])
    return format_html('<a href="{}">{} {}</a>', page, label, value)


def decoded(stored: str | None) -> Any:
    """Return the value that the library stored as JSON; text that is not JSON, unchanged."""
    try:
        return json.loads(stored or "null")
    except ValueError:
        return stored


def first_line(value: Any) -> str:
    """Return what a task returned, or its exception with the first line of the message."""
    if isinstance(value, dict) and "exc_type" in value:
        message = value.get("exc_message") or []
        words = [str(word) for word in message] if isinstance(message, list) else [str(message)]
        value = ": ".join([value["exc_type"], *words])
    lines = text.plain(value or "-").splitlines()
    return lines[0] if lines else "-"


def add_durations(results: Iterable[Any]) -> None:
    """Set `took_s`: the seconds that the attempts of each task took, None without attempts.

    Celery records when a task ended, not when it started.
    """
    by_task = {result.task_id: result for result in results}
    # Also by media item, because attempts have no index on the task.
    ids = {media_id(result) for result in by_task.values()} - {None}
    attempts = FetchAttempt.objects.filter(media__in=ids, task_id__in=by_task).order_by()
    took_s = dict(attempts.values_list("task_id").annotate(Sum("duration_s")))
    for task_id, result in by_task.items():
        result.took_s = took_s.get(task_id)


def replace_result_admin() -> None:
    """Replace the lists that django-celery-results has registered; groups are not used here."""
    admin.site.unregister([TaskResult, GroupResult])
    admin.site.register(TaskResult, ResultAdmin)
