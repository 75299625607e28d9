"""Giving up on media in the admin: on one, the ticked ones, or all that match the filters."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from mediapipe.admin.pages import filtered_rows_with_label, render_page
from mediapipe.admin.retries import EXAMPLES, ticked
from mediapipe.admin.text import counted
from mediapipe.models import BulkAction, BulkJob, MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_action
from mediapipe.operations.manual_control import MAX_REASON, clean_reason, give_up
from tasks.bulk_jobs import run_next_batch

SELECTED = "selected in the list"


def give_up_one(request: HttpRequest, item: MediaItem) -> HttpResponse:
    """Ask for the reason, or give up on the item and redirect to its page."""
    chosen = MediaItem.objects.filter(pk=item.pk)
    reason = _reason(request)
    if not reason:
        return _confirm(request, chosen, f"media item {item}", [])
    if give_up(chosen, request.user, reason):
        messages.success(request, "Given up: the item is failed, and can be retried.")
    else:
        messages.warning(request, "Nothing was changed: the item has ended already.")
    return redirect("admin:mediapipe_mediaitem_change", item.pk)


def give_up_selected(request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponse:
    """Ask for the reason, or give up on the ticked items once there is one."""
    chosen: Any = MediaItem.objects.filter(pk__in=selected.values("pk"))
    if reason := _reason(request):
        return _start_job(request, chosen, SELECTED, reason)
    return _confirm(request, chosen, SELECTED, ticked(request, "give_up"))


def give_up_all(model_admin: admin.ModelAdmin[Model], request: HttpRequest) -> HttpResponse:
    """The same for all items that match the list's filters."""
    rows, label = filtered_rows_with_label(model_admin, request)
    if reason := _reason(request):
        return _start_job(request, rows, label, reason)
    return _confirm(request, rows, label, [])


def _reason(request: HttpRequest) -> str:
    """Return the reason that confirms the form; empty for the first request and without one."""
    if request.method != "POST" or not request.POST.get("confirmed"):
        return ""
    try:
        return clean_reason(request.POST.get("reason", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return ""


def _confirm(
    request: HttpRequest, chosen: MediaQuerySet, label: str, fields: list[tuple[str, str]]
) -> HttpResponse:
    unfinished = chosen.unfinished()
    counts = dict(unfinished.order_by().values_list("status").annotate(count=Count("pk")))
    total = sum(counts.values())
    # Ticked items are few; counting all rows of a filter could read the whole table.
    others = chosen.count() - total if fields else 0
    return render_page(
        request,
        "give_up_confirm.html",
        title="Give up: are you sure?",
        label=label,
        total=total,
        fetching=counts.get(Status.FETCHING, 0),
        others=others,
        examples=unfinished.order_by("-received_at")[:EXAMPLES],
        fields=fields,
        reason=request.POST.get("reason", ""),
        max_reason=MAX_REASON,
    )


def _start_job(
    request: HttpRequest, chosen: MediaQuerySet, label: str, reason: str
) -> HttpResponse:
    ids = chosen.unfinished().order_by("pk").values_list("pk", flat=True)
    job = BulkJob.create(
        ids, by=request.user, chosen=label, action=BulkAction.GIVE_UP, reason=reason
    )
    count = counted(job.total, "media item")
    log_action(request.user, label, f"Gave up on {count} as job {job.pk}: {label}. {reason}")
    # A small job is finished with this response; a periodic task does the rest of a large one.
    run_next_batch()
    return redirect("admin:bulk_job", job.pk)
