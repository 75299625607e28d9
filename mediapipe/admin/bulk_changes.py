"""One change to many media items, the ticked ones or all that match the filters of the list.

A page asks first; a job then changes the items in batches, and a page shows its progress.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect

from mediapipe.admin.pages import filtered_rows_with_label, page, render_page
from mediapipe.admin.text import counted, grouped, timestamp
from mediapipe.models import BulkAction, BulkJob, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_action
from mediapipe.operations.manual_control import MAX_REASON, clean_reason
from tasks.bulk_jobs import run_next_batch

EXAMPLES = 10
MAY_RETRY = "mediapipe.retry_mediaitem"
MAY_GIVE_UP = "mediapipe.give_up_mediaitem"


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What a job does, the name of its action in the list, and its page that asks first."""

    action: BulkAction
    list_action: str
    done: str
    template: str
    changeable: Callable[[MediaQuerySet], MediaQuerySet]
    needs_reason: bool = False


def change_selected(
    request: HttpRequest, selected: QuerySet[MediaItem], change: BulkChange
) -> HttpResponse:
    """Ask, or change the ticked items once it is confirmed."""
    chosen: Any = MediaItem.objects.filter(pk__in=selected.values("pk"))
    # What runs this action of the list again on the same items.
    ticked = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    across = ("select_across", request.POST.get("select_across", "0"))
    fields = [("action", change.list_action), across, *ticked]
    return _ask_or_start(request, chosen, "selected in the list", change, fields)


def change_all(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest, change: BulkChange
) -> HttpResponse:
    """The same for all items that match the list's filters."""
    rows, label = filtered_rows_with_label(model_admin, request)
    return _ask_or_start(request, rows, label, change)


def ask(
    request: HttpRequest,
    chosen: MediaQuerySet,
    label: str,
    change: BulkChange,
    fields: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Show what the change would do; the form sends `fields` along with the confirmation."""
    changeable = change.changeable(chosen)
    counts = dict(changeable.order_by().values_list("status").annotate(count=Count("pk")))
    total = sum(counts.values())
    return render_page(
        request,
        change.template,
        title=f"{change.action.label}: are you sure?",
        change=change,
        label=label,
        counts=counts,
        total=total,
        # Ticked items are few; counting all rows of a filter could read the whole table.
        others=chosen.count() - total if fields else 0,
        examples=changeable.order_by("-received_at")[:EXAMPLES],
        fields=fields,
        reason=request.POST.get("reason", ""),
        max_reason=MAX_REASON,
    )


def is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and bool(request.POST.get("confirmed"))


def confirmed_reason(request: HttpRequest) -> str:
    """Return the reason that confirms the form; empty for the first request and without one."""
    if not is_confirmed(request):
        return ""
    try:
        return clean_reason(request.POST.get("reason", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return ""


@page("jobs/<int:pk>/", name="bulk_job")
def job_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress of a job, as a page or as JSON for its script."""
    job = get_object_or_404(BulkJob.objects.select_related("by"), pk=pk)
    gives_up = job.action == BulkAction.GIVE_UP
    if not request.user.has_perm(MAY_GIVE_UP if gives_up else MAY_RETRY):
        raise PermissionDenied
    skipped = f", {counted(job.skipped, 'item')} skipped" if job.skipped else ""
    changed = f"{counted(job.changed, 'item')} {'given up' if gives_up else 'retried'}{skipped}"
    if job.finished_at:
        progress = f"Done: {changed}."
    else:
        progress = f"{grouped(job.done)} of {grouped(job.total)} processed: {changed}."
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"done": job.done, "total": job.total, "text": progress})
    return render_page(
        request,
        "bulk_job.html",
        title=f"{job.get_action_display()}: {counted(job.total, 'media item')}",
        job=job,
        text=progress,
        started=timestamp(job.started_at),
    )


def _ask_or_start(
    request: HttpRequest,
    chosen: MediaQuerySet,
    label: str,
    change: BulkChange,
    fields: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    reason = confirmed_reason(request) if change.needs_reason else ""
    if not is_confirmed(request) or (change.needs_reason and not reason):
        return ask(request, chosen, label, change, fields)
    ids = change.changeable(chosen).order_by("pk").values_list("pk", flat=True)
    job = BulkJob.create(ids, by=request.user, chosen=label, action=change.action, reason=reason)
    what = f"{change.done} {counted(job.total, 'media item')} as job {job.pk}: {label}."
    log_action(request.user, label, f"{what} {reason}".strip())
    # A small job is finished with this response; a periodic task does the rest of a large one.
    run_next_batch()
    return redirect("admin:bulk_job", job.pk)
