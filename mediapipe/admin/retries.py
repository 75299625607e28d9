"""Putting media back to work: one item at once, many after a confirmation, with their progress."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from mediapipe.admin.filtered import filtered_rows_with_label
from mediapipe.admin.pages import page, render_page
from mediapipe.admin.text import counted, duration, grouped, timestamp
from mediapipe.models import MediaItem, RetryJob, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_item_actions, note
from mediapipe.queueing.dispatch import dispatch
from tasks.retry_jobs import work_off_batch

MAY_RETRY = "mediapipe.retry_mediaitem"
EXAMPLES = 10


def can_retry(item: MediaItem) -> bool:
    """Tell whether there is something to put back to work."""
    waits = item.status == Status.RETRYING and _due_in_s(item) > 0
    return bool(item.media_url) and (item.status == Status.FAILED or waits)


def due(item: MediaItem) -> str:
    """Return when the next attempt is due, as seen from now."""
    if item.next_attempt_at is None:
        return "-"
    due_in_s = _due_in_s(item)
    return f"in {duration(due_in_s)}" if due_in_s > 0 else "due now"


def retry_one(request: HttpRequest, item: MediaItem) -> HttpResponse:
    """Put the item back to work, write down who did it, and go back to its page."""
    chosen: Any = MediaItem.objects.filter(pk=item.pk)
    ids = [*chosen.retry_now(), *chosen.retry()]
    dispatch(ids)
    log_item_actions(request.user, ids, "Put back to work.")
    if ids:
        messages.success(request, "The item is back at work; the next attempt begins at once.")
    else:
        messages.warning(request, "Nothing was changed: the item is not waiting for a retry.")
    return redirect("admin:mediapipe_mediaitem_change", item.pk)


def retry_selected(
    model_admin: admin.ModelAdmin[Model], request: HttpRequest, selected: QuerySet[MediaItem]
) -> HttpResponse:
    """Ask whether the ticked items shall be tried again; do it when that was answered."""
    chosen: Any = MediaItem.objects.filter(pk__in=selected.values("pk"))
    if request.POST.get("confirmed"):
        return _begin(request, chosen, "selected in the list")
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
    fields = [("action", "try_again"), ("select_across", request.POST.get("select_across", "0"))]
    fields += [(ACTION_CHECKBOX_NAME, pk) for pk in ticked]
    return _ask(request, chosen, "selected in the list", fields)


def retry_all(model_admin: admin.ModelAdmin[Model], request: HttpRequest) -> HttpResponse:
    """Ask whether all that match the list's filters shall be tried again, and do it."""
    rows, words = filtered_rows_with_label(model_admin, request)
    if request.method == "POST":
        return _begin(request, rows, words)
    return _ask(request, rows, words, [])


@page("retries/<int:pk>/", name="retry_job", permission=MAY_RETRY)
def job_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a job is, as a page or, for the script on it, as figures."""
    job = get_object_or_404(RetryJob.objects.select_related("by"), pk=pk)
    title = f"Retry of {counted(job.total, 'media item')}"
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"done": job.done, "total": job.total, "text": progress(job)})
    said = {"text": progress(job), "begun": timestamp(job.started_at)}
    return render_page(request, "retry_job.html", title=title, job=job, **said)


def progress(job: RetryJob) -> str:
    """Return how far the job is, in one sentence."""
    left_alone = f", {counted(job.skipped, 'item')} left alone" if job.skipped else ""
    back = f"{counted(job.retried, 'item')} put back to work{left_alone}"
    if job.finished_at:
        return f"Done: {back}."
    return f"{grouped(job.done)} of {grouped(job.total)} looked at: {back}."


def _ask(
    request: HttpRequest, chosen: MediaQuerySet, words: str, fields: list[tuple[str, str]]
) -> HttpResponse:
    counts = dict(_retryable(chosen).order_by().values_list("status").annotate(count=Count("pk")))
    total = sum(counts.values())
    # What is ticked is few; to count all that a filter leaves could read the whole table.
    others = chosen.count() - total if fields else 0
    return render_page(
        request,
        "retry_confirm.html",
        title="Retry: are you sure?",
        words=words,
        failed=counts.get(Status.FAILED, 0),
        waiting=counts.get(Status.RETRYING, 0),
        total=total,
        others=others,
        examples=_retryable(chosen).order_by("-received_at")[:EXAMPLES],
        fields=fields,
    )


def _begin(request: HttpRequest, chosen: MediaQuerySet, words: str) -> HttpResponse:
    ids = _retryable(chosen).order_by("pk").values_list("pk", flat=True)
    job = RetryJob.of(ids.iterator(10_000), by=request.user, chosen=words)
    count = counted(job.total, "media item")
    note(request.user, words, f"Put {count} back to work as job {job.pk}: {words}.")
    # A few are done with the answer; what is more goes on by itself, in batches.
    work_off_batch()
    return redirect("admin:retry_job", job.pk)


def _retryable(chosen: MediaQuerySet) -> MediaQuerySet:
    """Those that failed and have a URL, and those that wait for their next attempt."""
    waits = Q(status=Status.RETRYING, next_attempt_at__gt=timezone.now())
    return chosen.filter((Q(status=Status.FAILED) & ~Q(media_url="")) | waits)


def _due_in_s(item: MediaItem) -> float:
    at = item.next_attempt_at
    return (at - timezone.now()).total_seconds() if at else 0.0
