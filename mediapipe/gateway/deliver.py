"""One attempt at a delivery, from the stored request to the state that the app's answer means."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.signing import BadSignature

from mediapipe.gateway.entries import Answer, Entry, entries, entry_named
from mediapipe.gateway.original import OriginalRequest
from mediapipe.gateway.send import Sent, Verdict, send, verdict
from mediapipe.models import AnswerUse, AttemptResult, GatewayApp, GatewayDelivery, GatewayStatus

logger = logging.getLogger(__name__)

NOT_DUE = "not due"


def deliver(delivery_id: int) -> str:
    """Make one attempt; return its state, or `not due` if another task has it or it must wait.

    Raises ImproperlyConfigured while GATEWAY_FILE cannot be read.
    """
    rows = GatewayDelivery.objects.filter(pk=delivery_id)
    delivery = rows.waiting().select_related("event").first()
    if delivery is None:
        return NOT_DUE
    entry = entry_named(delivery.entry)
    if entry is None:
        rows.drop("The app is no longer in GATEWAY_FILE.")
        return GatewayStatus.DROPPED
    try:
        original = OriginalRequest.from_json(delivery.unseal())
    except (BadSignature, KeyError, TypeError, ValueError):
        logger.error("delivery %d was dropped: its request is not the one received", delivery_id)
        rows.drop("The request was changed in the database, or DJANGO_SECRET_KEY was.")
        return GatewayStatus.DROPPED
    if _sending(entry) >= sending_limit() or not delivery.claim():
        rows.mark_undispatched([delivery_id])
        return NOT_DUE
    conclude(delivery, entry, send(original, entry))
    return delivery.status


def sending_limit() -> int:
    """Return how many requests one app gets at a time.

    All apps together take half the threads of a worker, so that none that hangs keeps media from
    being fetched.
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
    """Record what came back from the app, and schedule the next attempt if there is to be one.

    `answer` is what became of the app's answer, by default what it is when Twilio waits no more.
    `is_last` gives up what would be sent again.
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
    # A redirect that Twilio follows has delivered it as well.
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
    lost = entry.answer == Answer.APP and sent.body
    return AnswerUse.LOST if lost else AnswerUse.NOT_NEEDED


def _sending(entry: Entry) -> int:
    return GatewayDelivery.objects.sending().filter(entry=entry.name).count()


def _count(entry: Entry, sent: Sent) -> None:
    # A connection that fails is certain to have led nowhere; a timeout is not, and says less.
    # What was not sent at all, for want of a token, took no time and says nothing about the app.
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
