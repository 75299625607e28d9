"""One attempt at a delivery, from the stored request to the state that results from the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from itertools import count

from django.conf import settings
from django.core.signing import BadSignature
from django.db import close_old_connections
from django.utils import timezone

from mediapipe.celery import DATABASE_AWAY
from mediapipe.gateway.entries import Answer, Entry, entries, entry_named
from mediapipe.gateway.original import OriginalRequest
from mediapipe.gateway.send import Sent, Verdict, send, verdict
from mediapipe.models import AnswerUse, AttemptResult, GatewayApp, GatewayDelivery, GatewayStatus

logger = logging.getLogger(__name__)

NOT_DUE = "not due"
# How long to retry recording the result of a request while the database is unavailable. Together
# with the longest request it is shorter than the lease, after which the attempt has no result.
RECORD_FOR_S = 60.0
RECORD_INTERVAL_S = 0.5


def deliver(delivery_id: int) -> str:
    """Make one attempt; return its state, or `not due` if another task has it or it must wait.

    A delivery also waits if its app is not in GATEWAY_FILE. Raises ImproperlyConfigured while that
    file is invalid.
    """
    rows = GatewayDelivery.objects.filter(pk=delivery_id)
    delivery = rows.waiting().select_related("event").first()
    if delivery is None:
        return NOT_DUE
    entry = entry_named(delivery.entry)
    if entry is None:
        # The dispatcher drops it, unless another process knows the app.
        return NOT_DUE
    try:
        original = OriginalRequest.from_json(delivery.unseal())
    except (BadSignature, KeyError, TypeError, ValueError):
        logger.error("delivery %d was dropped: its request is not the one received", delivery_id)
        rows.drop("The request was changed in the database, or DJANGO_SECRET_KEY was.")
        return GatewayStatus.DROPPED
    # The task of an overdue delivery waited in the broker with many others; the dispatcher spreads
    # them out.
    is_overdue = rows.overdue(timezone.now()).exists()
    if is_overdue or _sending(entry) >= sending_limit() or not delivery.claim():
        rows.mark_undispatched([delivery_id])
        return NOT_DUE
    sent = send(original, entry)
    until_recorded(partial(conclude, delivery, entry, sent))
    return delivery.status


def until_recorded(record: Callable[[], None]) -> None:
    """Call `record` until the database is available, for RECORD_FOR_S seconds at most.

    The app has the message, and no other process knows its answer. Raises the last database error
    when the time is up.
    """
    until = time.monotonic() + RECORD_FOR_S
    for failures in count():
        try:
            record()
        except DATABASE_AWAY as error:
            if time.monotonic() >= until:
                raise
            if not failures:
                name = type(error).__name__
                logger.warning("the response of an app could not be recorded yet (%s)", name)
        else:
            break
        close_old_connections()
        time.sleep(RECORD_INTERVAL_S)


def sending_limit() -> int:
    """Return how many requests to one app may be in progress.

    The apps share half the threads of a worker, so that apps that hang do not stop the fetching of
    media.
    """
    return max(1, settings.CELERY_WORKER_CONCURRENCY // 2 // max(1, len(entries())))


def conclude(
    delivery: GatewayDelivery,
    entry: Entry,
    sent: Sent,
    answer: AnswerUse | None = None,
    *,
    is_last: bool = False,
) -> None:
    """Record what came back from the app, and schedule the next attempt if there is one.

    `answer` says how the app's answer was used, by default as if Twilio no longer waited for it.
    With `is_last` a delivery that would be sent again is given up.
    """
    result = AttemptResult(
        detail=sent.detail or (f"HTTP {sent.status}" if sent.status else ""),
        http_status=sent.status,
        content_type=sent.content_type or "",
        answer_bytes=len(sent.body),
        answer=answer or _use_of(entry, sent),
        connect_s=sent.connect_s,
        total_s=sent.total_s,
    )
    # A redirect that Twilio follows counts as delivered, too.
    means = Verdict.DELIVERED if answer == AnswerUse.USED else verdict(sent, entry.retry)
    if means != Verdict.AGAIN:
        delivery.finish(GatewayStatus(means), result)
    elif is_last:
        delivery.finish(GatewayStatus.GAVE_UP, result)
    else:
        delivery.retry_later(result, sent.retry_after_s)
    _count(entry, sent)
    _report(delivery, result)


def _use_of(entry: Entry, sent: Sent) -> AnswerUse | str:
    if sent.status is None:
        return ""
    # An error page is no answer.
    lost = entry.answer == Answer.APP and sent.body and 200 <= sent.status < 300
    return AnswerUse.LOST if lost else AnswerUse.NOT_NEEDED


def _sending(entry: Entry) -> int:
    return GatewayDelivery.objects.sending().filter(entry=entry.name).count()


def _count(entry: Entry, sent: Sent) -> None:
    # A connection that cannot be opened shows that the app is down; a later timeout does not. A
    # request that was not sent for lack of a token took no time, and says nothing about the app.
    if sent.status is None and sent.certain and sent.total_s:
        GatewayApp.record_failure(entry.name)
    elif sent.status is not None:
        GatewayApp.record_response(entry.name)


def _report(delivery: GatewayDelivery, result: AttemptResult) -> None:
    logger.log(
        logging.INFO if delivery.status == GatewayStatus.DELIVERED else logging.WARNING,
        "attempt %d at %s: %s (%s)",
        delivery.attempts,
        delivery,
        delivery.get_status_display(),
        result.detail,
        extra={"event_id": delivery.event_id},
    )
