"""One webhook from its arrival to durable rows and published tasks: at once, or from the spool."""

from __future__ import annotations

import logging
import threading

from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)

from mediapipe import logs
from mediapipe.models import MediaItem
from mediapipe.providers.base import WebhookRefused
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.limits import account_quota
from mediapipe.webhooks import rejections, spool
from mediapipe.webhooks.record import record
from mediapipe.webhooks.request import ReceivedWebhook

logger = logging.getLogger(__name__)

# A webhook is spooled on any of these. OperationalError and InterfaceError are an outage, and
# InternalError and ProgrammingError a read-only stand-by or a database that is not migrated yet.
# The last two can also be a bug in a statement of ours: such a webhook stays in the spool, and
# those behind it wait until the bug is fixed.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)
DRAIN_EVERY_S = 2.0


def receive(webhook: ReceivedWebhook) -> None:
    """Verify, parse, record, dispatch; the event is durable when this returns.

    Raise WebhookRefused for a webhook that cannot be verified or parsed, and one of
    DATABASE_ERRORS if nothing could be recorded.
    """
    provider, request = webhook.provider, webhook.request
    parameters = provider.verify(request)
    message = provider.parse(webhook.source, parameters, request.headers)
    if message is None:
        return
    event = record(message, provider=provider.name, received_at=webhook.received_at)
    logs.bind(event_id=event.pk)
    if account_quota.allows(event.account_sid):
        dispatch(event.queued)
    else:
        MediaItem.objects.mark_undispatched(event.queued)


def spool_webhook(webhook: ReceivedWebhook) -> None:
    """Store a verified webhook until the database is back; raise SpoolUnavailable if that fails."""
    # Otherwise the next request would get the same broken connection.
    connection.close()
    spool.put(webhook)
    drainer.wake()


def drain_spool() -> int:
    """Receive the spooled webhooks in order; return how many were recorded or set aside.

    Raise one of DATABASE_ERRORS if the database is still, or again, unavailable.
    """

    def is_recorded(webhook: ReceivedWebhook) -> bool:
        # The signature is verified again: the token may have been revoked in the meantime.
        try:
            receive(webhook)
        except WebhookRefused as refusal:
            rejections.count_rejection(refusal)
            logger.error("a spooled webhook was set aside: %s", refusal.reason)
            return False
        return True

    return spool.drain(is_recorded)


class SpoolDrainer:
    """A thread that drains the spool at intervals and ends when it is empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = False

    def wake(self) -> None:
        """Start the thread unless it is running or the spool is empty."""
        with self._lock:
            if self._running or not spool.depth():
                return
            self._running = True
        threading.Thread(target=self._run, name="spool-drainer", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._has_work():
            try:
                if count := drain_spool():
                    logger.info("recorded %d webhooks from the spool", count)
            except DATABASE_ERRORS as error:
                logger.warning("the database is still unavailable (%s)", type(error).__name__)
            finally:
                connection.close()
            pause.wait(DRAIN_EVERY_S)

    def _has_work(self) -> bool:
        # Under the lock, so that wake() cannot see a thread that is about to end as running.
        with self._lock:
            self._running = spool.depth() > 0
            return self._running


drainer = SpoolDrainer()
