"""From a hand-off that is owed to a receiver that took it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from mediapipe.failures import Undelivered
from mediapipe.lifecycle.export import KEYS, document
from mediapipe.lifecycle.send import send_signed
from mediapipe.models import Completion, HandOff, Receiver
from mediapipe.models.status import UNFINISHED

logger = logging.getLogger(__name__)

# Gets the payload and the idempotency key; returns when the broker has the task's message.
Publish = Callable[[HandOff], None]


def deliver(owed: HandOff, publish: Publish) -> bool:
    """Make one attempt at a hand-off that was claimed; tell whether the receiver can be reached.

    Whoever could not be reached for one will not be for the next: its others can wait.
    """
    try:
        _send(owed, publish)
    except Undelivered as undelivered:
        owed.undelivered(undelivered)
        _log(owed, undelivered)
        return not undelivered.again
    return True


def _send(owed: HandOff, publish: Publish) -> None:
    if owed.receiver not in Receiver.waiting_for(Completion(owed.ending)):
        raise Undelivered("The receiver is not configured any more.", again=False)
    if owed.payload is None:
        if owed.media.status in UNFINISHED:
            # It is told of at its next end.
            raise Undelivered("The item was put back to work before this was told.", again=False)
        owed.snapshot_payload(payload_of(owed, timezone.now()))
    if owed.receiver == Receiver.TASK:
        publish(owed)
        owed.published()
    else:
        owed.delivered(_post(owed))


def payload_of(owed: HandOff, at: datetime) -> dict[str, Any]:
    """Return what a receiver gets, in the form that Standard Webhooks proposes."""
    return {"type": owed.ending, "timestamp": at.isoformat(), "data": document(owed.media)}


def message(owed: HandOff) -> dict[str, Any]:
    """Return the frozen payload with its keys in their order, which PostgreSQL does not keep.

    A repetition is the same to the last byte then.
    """
    payload = owed.payload or {}
    data = {key: payload["data"][key] for key in ("id", *KEYS) if key in payload["data"]}
    return {"type": payload["type"], "timestamp": payload["timestamp"], "data": data}


def _post(owed: HandOff) -> str:
    return send_signed(
        settings.HANDOFF_WEBHOOK_URL,
        message(owed),
        message_id=owed.key,
        secrets=settings.HANDOFF_WEBHOOK_SECRETS,
    )


def _log(owed: HandOff, undelivered: Undelivered) -> None:
    gave_up = owed.next_attempt_at is None
    logger.log(
        logging.ERROR if gave_up else logging.WARNING,
        "attempt %d to hand media item %d to the %s failed (%s); %s",
        owed.attempts,
        owed.media_id,
        owed.receiver,
        undelivered.why,
        "it was the last one" if gave_up else "there will be another one",
        extra={"media_id": owed.media_id},
    )
