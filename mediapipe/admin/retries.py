from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from mediapipe.admin.pages import filtered_rows_with_label, page, render_page
from mediapipe.admin.text import counted, duration, grouped, timestamp
from mediapipe.models import BulkAction, BulkJob, MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_action, log_changes
from mediapipe.queueing.dispatch import dispatch
from tasks.bulk_jobs import run_next_batch

MAY_RETRY = "mediapipe.retry_mediaitem"
MAY_GIVE_UP = "mediapipe.give_up_mediaitem"
EXAMPLES = 10


def can_retry(item: MediaItem) -> bool:
    waits = item.status == Status.RETRYING and _due_in_s(item) > 0
    return bool(item.media_url) and (item.status == Status.FAILED or waits)


def next_attempt_label(item: MediaItem) -> str:
    if item.next_attempt_at is None:
        return "-"
    due_in_s = _due_in_s(item)
    return f"in {duration(due_in_s)}" if due_in_s > 0 else "due now"


def retry_one(request: HttpRequest, item: MediaItem) -> HttpResponse:
    """Retry the item, log who did it, and redirect to its page."""
    chosen = MediaItem.objects.filter(pk=item.pk)
    ids = [*chosen.retry_now(), *chosen.retry()]
    dispatch(ids)
    log_changes(request.user, chosen.filter(pk__in=ids), "Retried.")
    if ids:
        messages.success(request, "The item is being retried; the next attempt starts at once.")
    else:
        messages.warning(request, "Nothing was changed: the item is not waiting for a retry.")
    return redirect("admin:mediapipe_mediaitem_change", item.pk)


def retry_selected(request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponse:
    """Show the confirmation for the ticked items, or retry them once it is confirmed."""
    chosen: Any = MediaItem.objects.filter(pk__in=selected.values("pk"))
    if request.POST.get("confirmed"):
        return _start_job(request, chosen, "selected in the list")
    return _confirm(request, chosen, "selected in the list", ticked(request, "try_again"))


def ticked(request: HttpRequest, action: str) -> list[tuple[str, str]]:
    """Return the fields that run this action of the list again on the same items."""
    keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
    across = request.POST.get("select_across", "0")
    rows = [(ACTION_CHECKBOX_NAME, pk) for pk in keys]
    return [("action", action), ("select_across", across), *rows]


def retry_all(model_admin: admin.ModelAdmin[Model], request: HttpRequest) -> HttpResponse:
    """The same for all items that match the list's filters."""
    rows, label = filtered_rows_with_label(model_admin, request)
    if request.method == "POST":
        return _start_job(request, rows, label)
    return _confirm(request, rows, label, [])


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


def _confirm(
    request: HttpRequest, chosen: MediaQuerySet, label: str, fields: list[tuple[str, str]]
) -> HttpResponse:
    retryable = _retryable(chosen)
    counts = dict(retryable.order_by().values_list("status").annotate(count=Count("pk")))
    total = sum(counts.values())
    # Ticked items are few; counting all rows of a filter could read the whole table.
    others = chosen.count() - total if fields else 0
    return render_page(
        request,
        "retry_confirm.html",
        title="Retry: are you sure?",
        label=label,
        failed=counts.get(Status.FAILED, 0),
        waiting=counts.get(Status.RETRYING, 0),
        total=total,
        others=others,
        examples=retryable.order_by("-received_at")[:EXAMPLES],
        fields=fields,
    )


def _start_job(request: HttpRequest, chosen: MediaQuerySet, label: str) -> HttpResponse:
    ids = _retryable(chosen).order_by("pk").values_list("pk", flat=True)
    job = BulkJob.create(ids, by=request.user, chosen=label)
    count = counted(job.total, "media item")
    log_action(request.user, label, f"Retried {count} as job {job.pk}: {label}.")
    # A small job is finished with this response; a periodic task does the rest of a large one.
    run_next_batch()
    return redirect("admin:bulk_job", job.pk)


def _retryable(chosen: MediaQuerySet) -> MediaQuerySet:
    waits = Q(status=Status.RETRYING, next_attempt_at__gt=timezone.now())
    return chosen.filter((Q(status=Status.FAILED) & ~Q(media_url="")) | waits)


def _due_in_s(item: MediaItem) -> float:
    at = item.next_attempt_at
    return (at - timezone.now()).total_seconds() if at else 0.0
