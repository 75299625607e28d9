"""The page of one media item: its story, its way as picture and table, its file, its relations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django_celery_results.models import TaskResult

from mediapipe.admin import retries
from mediapipe.admin.files import Preview
from mediapipe.admin.pages import render_page
from mediapipe.admin.summary import MEANINGS, story
from mediapipe.admin.text import duration, timestamp
from mediapipe.admin.timeline import NARROW, WIDE, Timeline
from mediapipe.models import FetchAttempt, MediaItem, Status
from mediapipe.models.status import UNFINISHED

# Accounts without credentials are tried every half minute, for days if need be.
MOST_ATTEMPTS = 200
MOST_RELATED = 50
# How often the page of an unfinished item looks again, in seconds.
REFRESH_S = 2


def show(request: HttpRequest, media: MediaItem, *, may_retry: bool) -> HttpResponse:
    """Answer with the page of this item."""
    attempts = list(media.attempt_set.order_by("-number")[:MOST_ATTEMPTS])[::-1]
    missing = media.attempts - len(attempts)
    return render_page(
        request,
        "mediaitem/page.html",
        title=f"Media item {media}",
        opts=MediaItem._meta,
        original=media,
        media=media,
        event=media.event,
        story=story(media),
        failure=MEANINGS.get(media.error),
        timelines=[Timeline.of(media, attempts, width) for width in (WIDE, NARROW)],
        steps=list(_steps(media, attempts)),
        left_out=missing if len(attempts) == MOST_ATTEMPTS else 0,
        purged=missing if len(attempts) < MOST_ATTEMPTS else 0,
        preview=Preview.of(media),
        there=bool(media.found_at),
        siblings=_siblings(media),
        of_call=_of_call(media),
        refresh_s=REFRESH_S if media.status in UNFINISHED else 0,
        may_retry=may_retry and retries.can_retry(media),
        retry_word="Try now" if media.status == Status.RETRYING else "Retry now",
    )


def _steps(media: MediaItem, attempts: Sequence[FetchAttempt]) -> Iterable[dict[str, Any]]:
    """Yield what happened as rows of the table, in the order of time."""
    received = "came to Twilio, no webhook" if media.reconciled_at else "webhook received"
    yield {"what": received, "after": "0 s", "at": timestamp(media.received_at)}
    if media.reconciled_at:
        yield _later(media, media.reconciled_at, "found by reconciliation")
    results = _results(attempts)
    for attempt in attempts:
        after_s = (attempt.started_at - media.received_at).total_seconds()
        yield {
            "what": f"attempt {attempt.number}",
            "after": f"+{after_s:.3f} s" if after_s < 60 else f"+{duration(after_s)}",
            "at": timestamp(attempt.started_at),
            "took": "" if attempt.duration_s is None else f"{attempt.duration_s:.3f} s",
            "attempt": attempt,
            # The status has a column of its own.
            "detail": "" if attempt.detail.startswith("HTTP ") else attempt.detail,
            "known": attempt.outcome in MEANINGS,
            "result": results.get(attempt.task_id),
        }
    ends = ((media.retrieved_at, "stored and verified"), (media.failed_at, "given up"))
    for at, what in ends:
        if at:
            yield _later(media, at, what)
    if media.next_attempt_at and media.status == Status.RETRYING:
        due = retries.due(media)
        yield {"what": "next attempt", "after": due, "at": timestamp(media.next_attempt_at)}


def _later(media: MediaItem, at: datetime, what: str) -> dict[str, Any]:
    after = f"+{duration((at - media.received_at).total_seconds())}"
    return {"what": what, "after": after, "at": timestamp(at)}


def _results(attempts: Sequence[FetchAttempt]) -> dict[str, TaskResult]:
    ids = {attempt.task_id for attempt in attempts if attempt.task_id}
    found = TaskResult.objects.filter(task_id__in=ids).only("task_id", "status")
    return {result.task_id: result for result in found}


def _siblings(media: MediaItem) -> QuerySet[MediaItem]:
    return (
        MediaItem.objects.filter(event=media.event_id)
        .exclude(pk=media.pk)
        .order_by("pk")[:MOST_RELATED]
    )


def _of_call(media: MediaItem) -> QuerySet[MediaItem]:
    call_sid = media.event.call_sid
    if not call_sid:
        return MediaItem.objects.none()
    same = MediaItem.objects.filter(event__call_sid=call_sid).exclude(event=media.event_id)
    return same.order_by("received_at")[:MOST_RELATED]
