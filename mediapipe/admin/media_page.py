from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from django_celery_results.models import TaskResult

from mediapipe.admin import retries
from mediapipe.admin.afterwards import afterwards
from mediapipe.admin.files import FilePreview
from mediapipe.admin.pages import render_page
from mediapipe.admin.summary import FAILURES, media_summary
from mediapipe.admin.text import duration, timestamp
from mediapipe.admin.timeline import NARROW, WIDE, Timeline
from mediapipe.failures import GivenUp, Outlook
from mediapipe.models import (
    AccountHealth,
    Cause,
    FetchAttempt,
    Incident,
    MediaItem,
    Status,
    WebhookEvent,
)
from mediapipe.models.status import UNFINISHED
from mediapipe.providers.base import Kind
from mediapipe.redaction import mask_parameter

# Local failures are retried every 30 seconds, possibly for days.
MAX_ATTEMPTS = 200
MAX_RELATED = 50
# Characters of the message's text above the timeline.
MAX_TEXT = 120
CONSOLE = "https://www.twilio.com/console"
# How often the page of an unfinished item refreshes, in seconds.
REFRESH_S = 2


def show(
    request: HttpRequest, media: MediaItem, *, may_retry: bool, may_give_up: bool
) -> HttpResponse:
    """Render the page of this item."""
    attempts = list(media.attempt_set.order_by("-number")[:MAX_ATTEMPTS])[::-1]
    missing = media.attempts - len(attempts)
    siblings = MediaItem.objects.filter(event=media.event_id).exclude(pk=media.pk)
    failure = FAILURES.get(media.error)
    paused = _pause(media)
    of_call = MediaItem.objects.none()
    if call_sid := media.event.call_sid:
        same_call = MediaItem.objects.filter(event__call_sid=call_sid)
        of_call = same_call.exclude(event=media.event_id)
    return render_page(
        request,
        "mediaitem/page.html",
        title=f"Media item {media}",
        opts=MediaItem._meta,
        original=media,
        media=media,
        event=media.event,
        who=_who(media.event, sees_numbers=request.user.has_perm("mediapipe.view_numbers")),
        afterwards=list(afterwards(media)),
        at_twilio=_at_twilio(media.event),
        summary=media_summary(media, is_paused=bool(paused)),
        failure=failure,
        hopeless=bool(failure and failure.outlook == Outlook.HOPELESS),
        timelines=[
            Timeline.from_media(media, attempts, width) for width in (WIDE, NARROW) if attempts
        ],
        steps=list(_steps(media, attempts, is_paused=bool(paused))),
        left_out=missing if len(attempts) == MAX_ATTEMPTS else 0,
        purged=missing if len(attempts) < MAX_ATTEMPTS else 0,
        preview=FilePreview.from_media(media),
        available=bool(media.found_at),
        siblings=siblings.order_by("pk")[:MAX_RELATED],
        of_call=of_call.order_by("received_at")[:MAX_RELATED],
        refresh_s=REFRESH_S if media.status in UNFINISHED else 0,
        paused=paused,
        incident=_incident(paused) if paused else None,
        may_give_up=may_give_up and media.status in UNFINISHED,
        may_retry=may_retry and retries.can_retry(media),
        retry_label="Try now" if media.status == Status.RETRYING else "Retry now",
    )


@dataclass(frozen=True, slots=True)
class Who:
    """Sender and recipient of the media, and the beginning of the text that came with it."""

    sender: str
    recipient: str
    text: str


def _who(event: WebhookEvent, *, sees_numbers: bool) -> Who:
    """Return the addresses and the text, masked for users who may not see them."""
    pairs = (("From", event.sender), ("To", event.recipient), ("Body", event.text))
    sender, recipient, text = (
        value if sees_numbers else mask_parameter(name, value) for name, value in pairs
    )
    return Who(sender, recipient, Truncator(text).chars(MAX_TEXT))


def _at_twilio(event: WebhookEvent) -> str:
    """Return the URL of the message or the call in Twilio's console, or ""."""
    if event.call_sid:
        return f"{CONSOLE}/voice/calls/logs/{event.call_sid}"
    return f"{CONSOLE}/sms/logs/{event.subject_sid}" if event.kind == Kind.MESSAGE else ""


def _pause(media: MediaItem) -> AccountHealth | None:
    """Return the account of an unfinished item, if it waits because the account is paused."""
    if media.status not in UNFINISHED:
        return None
    accounts = AccountHealth.objects.filter(account_sid=media.account_sid)
    return accounts.exclude(paused_at=None).first()


def _incident(paused: AccountHealth) -> Incident | None:
    """Return the ongoing incident about the credentials of this account."""
    ongoing = Incident.objects.ongoing().filter(account_sid=paused.account_sid)
    return ongoing.filter(cause=Cause.CREDENTIALS).first()


def _steps(
    media: MediaItem, attempts: Sequence[FetchAttempt], *, is_paused: bool
) -> Iterable[dict[str, Any]]:
    """Yield the rows of the table in chronological order."""
    received = "arrived at Twilio, no webhook" if media.reconciled_at else "webhook received"
    yield {"what": received, "after": "0 s", "at": timestamp(media.received_at, "milliseconds")}
    if media.reconciled_at:
        yield _later(media, media.reconciled_at, "found by reconciliation")
    task_ids = {attempt.task_id for attempt in attempts if attempt.task_id}
    found = TaskResult.objects.filter(task_id__in=task_ids).only("task_id", "status")
    results = {result.task_id: result for result in found}
    for attempt in attempts:
        yield {
            "what": f"attempt {attempt.number}",
            "after": _after(media, attempt.started_at),
            "at": timestamp(attempt.started_at, "milliseconds"),
            "took": "" if attempt.duration_s is None else f"{attempt.duration_s:.3f} s",
            "attempt": attempt,
            "id": str(attempt.pk),
            # The HTTP status is a separate column.
            "detail": "" if attempt.detail.startswith("HTTP ") else attempt.detail,
            "known": attempt.outcome in FAILURES,
            "result": results.get(attempt.task_id),
        }
    given_up = f"given up by {media.detail}" if media.error == GivenUp.slug else "given up"
    ends = ((media.retrieved_at, "stored and verified"), (media.failed_at, given_up))
    for at, what in ends:
        if at:
            yield _later(media, at, what)
    # Nothing is attempted during a pause, whatever the schedule says.
    if media.next_attempt_at and media.status == Status.RETRYING and not is_paused:
        due, when = retries.next_attempt_label(media), timestamp(media.next_attempt_at)
        yield {"what": "next attempt", "after": due, "at": when}


def _later(media: MediaItem, at: datetime, what: str) -> dict[str, Any]:
    return {"what": what, "after": _after(media, at), "at": timestamp(at, "milliseconds")}


def _after(media: MediaItem, at: datetime) -> str:
    """Return the time since the webhook, with milliseconds during the first minute."""
    after_s = (at - media.received_at).total_seconds()
    return f"+{after_s:.3f} s" if after_s < 60 else f"+{duration(after_s)}"
