"""Hands finished media items over to a Celery task of your own, to a webhook, or to both."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone
from kombu import Producer

from mediapipe.celery import app
from mediapipe.failures import Undelivered
from mediapipe.lifecycle.export import KEYS, media_document, message_of
from mediapipe.lifecycle.outbox import record_failure
from mediapipe.lifecycle.send import send_signed
from mediapipe.models import Completion, HandOff, Receiver
from mediapipe.models.hand_offs import HandOffQuerySet
from mediapipe.models.status import UNFINISHED
from mediapipe.queueing.dispatch import try_publish
from mediapipe.queueing.time_slice import until_deadline
from mediapipe.settings.queues import HOUSEKEEPING

logger = logging.getLogger(__name__)

BATCH = 100
CONFIRM = "tasks.hand_off.confirm"


def hand_off_due(receiver: Receiver, deadline_s: float) -> int:
    """Attempt due hand-offs until `deadline_s` (time.monotonic); return how many."""
    attempts = 0
    for hand_off in until_deadline(_claim_due(receiver), deadline_s):
        attempts += 1
        if not deliver(hand_off):
            # The receiver is unreachable, and would be for the next hand-off as well.
            break
    return attempts


def publish_stored(media_id: int) -> None:
    """Publish ON_STORED_TASK for an item that was just stored, without waiting for the next run.

    Webhooks are left to that run: a receiver that hangs would block the threads that fetch.
    """
    if not settings.ON_STORED_TASK:
        return
    try:
        for pk in _due(Receiver.TASK).filter(media=media_id).values_list("pk", flat=True):
            if hand_off := HandOff.claim(pk):
                deliver(hand_off)
    except Exception:
        # The item is stored, and a later run repeats the hand-off, so the fetch has succeeded.
        logger.exception("media item %d could not be handed off at once", media_id)


def deliver(hand_off: HandOff) -> bool:
    """Make one attempt at a claimed hand-off; return whether the receiver is reachable."""
    try:
        _attempt(hand_off)
    except Undelivered as failure:
        to = f"hand media item {hand_off.media_id} off to the {hand_off.receiver}"
        record_failure(hand_off, failure, to)
        # A permanently refused message says nothing about the next one.
        return not failure.again
    return True


def build_payload(hand_off: HandOff) -> dict[str, Any]:
    """Return the payload as of now in the form that Standard Webhooks proposes.

    ON_STORED_TASK gets its `data` alone.
    """
    data, now = media_document(hand_off.media), timezone.now()
    return {"type": hand_off.ending, "timestamp": now.isoformat(), "data": data}


def frozen_payload(hand_off: HandOff) -> dict[str, Any]:
    """Return the stored payload with its keys in order, so that each attempt sends equal bytes.

    PostgreSQL's jsonb does not keep the order of keys. Adds the fields of message_of().
    """
    payload = hand_off.payload or {}
    data = {key: payload["data"][key] for key in ("id", *KEYS) if key in payload["data"]}
    data |= message_of(hand_off.media)
    return {"type": payload["type"], "timestamp": payload["timestamp"], "data": data}


def publish_task(hand_off: HandOff) -> None:
    """Publish ON_STORED_TASK; raise Undelivered if the broker does not accept it."""

    def send(producer: Producer) -> None:
        confirm = app.signature(
            CONFIRM, kwargs={"message_id": str(hand_off.message_id)}, immutable=True
        )
        app.send_task(
            settings.ON_STORED_TASK,
            kwargs={"idempotency_key": hand_off.key, "media": frozen_payload(hand_off)["data"]},
            queue=settings.ON_STORED_QUEUE,
            # The worker that ran the task publishes this once it has succeeded; the task may
            # belong to another Celery app.
            link=confirm.set(queue=HOUSEKEEPING),
            ignore_result=True,
            producer=producer,
            retry=False,
        )

    if not try_publish(send):
        raise Undelivered("The broker did not accept the message.", again=True)


def _attempt(hand_off: HandOff) -> None:
    if hand_off.receiver not in Receiver.configured_for(Completion(hand_off.ending)):
        raise Undelivered("The receiver is no longer configured.", again=False)
    if hand_off.payload is None:
        if hand_off.media.status in UNFINISHED:
            # It gets another hand-off when it ends again.
            raise Undelivered("The item was retried before the hand-off was sent.", again=False)
        hand_off.snapshot_payload(build_payload(hand_off))
    if hand_off.receiver == Receiver.TASK:
        publish_task(hand_off)
        hand_off.mark_published()
        return
    response = send_signed(
        settings.HANDOFF_WEBHOOK_URL,
        frozen_payload(hand_off),
        message_id=hand_off.key,
        secrets=settings.HANDOFF_WEBHOOK_SECRETS,
        # The response may quote the request.
        keeps_response=not settings.SHARE_SENDER_AND_TEXT,
    )
    hand_off.mark_delivered(response)


def _claim_due(receiver: Receiver) -> Iterator[HandOff]:
    while ids := list(_due(receiver).values_list("pk", flat=True)[:BATCH]):
        for pk in ids:
            if hand_off := HandOff.claim(pk):
                yield hand_off


def _due(receiver: Receiver) -> HandOffQuerySet:
    due = HandOff.objects.due(timezone.now()).filter(receiver=receiver)
    return due.order_by("next_attempt_at")
