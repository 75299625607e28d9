from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from mediapipe.admin.bulk_changes import BulkChange
from mediapipe.admin.text import duration
from mediapipe.models import BulkAction, MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.manual_control import retry
from mediapipe.queueing.dispatch import dispatch


def can_retry(item: MediaItem) -> bool:
    waits = item.status == Status.RETRYING and _due_in_s(item) > 0
    return bool(item.media_url) and (item.status == Status.FAILED or waits)


def next_attempt_label(item: MediaItem) -> str:
    if item.next_attempt_at is None:
        return "-"
    due_in_s = _due_in_s(item)
    return f"in {duration(due_in_s)}" if due_in_s > 0 else "now"


def retry_one(request: HttpRequest, item: MediaItem) -> HttpResponse:
    """Retry the item, log who did it, and redirect to its page."""
    ids = retry(MediaItem.objects.filter(pk=item.pk), request.user)
    dispatch(ids)
    if ids:
        messages.success(request, "The item is being retried; the next attempt starts at once.")
    else:
        messages.warning(request, "Nothing was changed: the item is not waiting for a retry.")
    return redirect("admin:mediapipe_mediaitem_change", item.pk)


def _retryable(chosen: MediaQuerySet) -> MediaQuerySet:
    waits = Q(status=Status.RETRYING, next_attempt_at__gt=timezone.now())
    return chosen.filter((Q(status=Status.FAILED) & ~Q(media_url="")) | waits)


def _due_in_s(item: MediaItem) -> float:
    at = item.next_attempt_at
    return (at - timezone.now()).total_seconds() if at else 0.0


RETRY = BulkChange(
    BulkAction.RETRY,
    list_action="try_again",
    done="Retried",
    template="retry_confirm.html",
    changeable=_retryable,
    by_reason=True,
)
