"""What others wait for is handed to them, one after the other, so that none is held up for long."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.utils import timezone
from kombu import Producer

from mediapipe.celery import app
from mediapipe.failures import Undelivered
from mediapipe.lifecycle.hand_off import deliver, message
from mediapipe.models import HandOff, Receiver
from mediapipe.models.hand_offs import HandOffQuerySet
from mediapipe.queueing.dispatch import published
from mediapipe.settings.queues import HOUSEKEEPING

logger = logging.getLogger(__name__)

# Short enough for a worker that is told to stop; the next run begins within seconds. A receiver
# that hangs takes one thread a run, and no more than a few of the worker's in all.
RUN_S = 4.0
BATCH = 100


@app.task(ignore_result=True)
def hand_off() -> int:
    """Deliver what is due, for some seconds; return how much was tried."""
    until = time.monotonic() + RUN_S
    return sum(_hand_to(receiver, until) for receiver in Receiver)


def at_once(media_id: int) -> None:
    """Publish the task of an item that was just stored, which would else wait for the next run.

    Webhooks are left to that run: receivers that hang would take the threads that fetch.
    """
    if not settings.ON_STORED_TASK:
        return
    try:
        for pk in _due(Receiver.TASK).filter(media=media_id).values_list("pk", flat=True):
            if owed := HandOff.claim(pk):
                deliver(owed, publish)
    except Exception:
        # The item is stored, and the run after this one finds what is owed.
        logger.exception("media item %d was not handed on at once", media_id)


@app.task(ignore_result=True)
def confirm(*, message_id: str) -> bool:
    """Note that the task that was handed an item is done; its worker sends this."""
    return HandOff.objects.confirm(message_id)


def _hand_to(receiver: Receiver, until: float) -> int:
    tried = 0
    while due := list(_due(receiver).values_list("pk", flat=True)[:BATCH]):
        for pk in due:
            if time.monotonic() > until:
                return tried
            owed = HandOff.claim(pk)
            if owed:
                tried += 1
                if not deliver(owed, publish):
                    return tried
    return tried


def _due(receiver: Receiver) -> HandOffQuerySet:
    due = HandOff.objects.due(timezone.now()).filter(receiver=receiver)
    return due.order_by("next_attempt_at")


def publish(owed: HandOff) -> None:
    """Publish the task's message, which asks its worker to confirm it; raise Undelivered."""

    def send(producer: Producer) -> None:
        app.send_task(
            settings.ON_STORED_TASK,
            kwargs={"idempotency_key": owed.key, "media": message(owed)["data"]},
            queue=settings.ON_STORED_QUEUE,
            # Celery sends it when the task has succeeded, from whichever app the task is of.
            link=confirm.si(message_id=str(owed.message_id)).set(queue=HOUSEKEEPING),
            ignore_result=True,
            producer=producer,
            retry=False,
        )

    if not published(send):
        raise Undelivered("The broker took nothing.", again=True)
