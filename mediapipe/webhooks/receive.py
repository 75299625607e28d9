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

from mediapipe import logs, providers
from mediapipe.models import MediaItem
from mediapipe.providers.base import WebhookRefused
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.limits import account_quota
from mediapipe.webhooks import rejections, spool
from mediapipe.webhooks.record import record
from mediapipe.webhooks.spool import ReceivedWebhook

logger = logging.getLogger(__name__)

# The server is away, is a read-only stand-by, or has not been migrated yet.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, ProgrammingError)
REPLAY_EVERY_S = 2.0


def receive(webhook: ReceivedWebhook) -> None:
    """Verify, parse, record, dispatch; the event is durable when this returns.

    Raise WebhookRefused for what Twilio did not send or nobody understands, and one of
    DATABASE_AWAY when nothing could be recorded.
    """
    company = providers.get(webhook.provider)
    message = company.parse(webhook.source, company.verify(webhook.request))
    if message is None:
        return
    event = record(
        message,
        provider=webhook.provider,
        received_at=webhook.received_at,
        home_region=webhook.request.headers.get("x-home-region", ""),
    )
    logs.bind(event_id=event.pk)
    if account_quota.allows(event.account_sid):
        dispatch(event.queued)
    else:
        MediaItem.objects.mark_undispatched(event.queued)


def spool_webhook(webhook: ReceivedWebhook) -> None:
    """Keep a verified webhook until the database is back; raise SpoolUnavailable if it cannot."""
    # A connection that broke must not fail the next request too.
    connection.close()
    spool.put(webhook)
    replayer.wake()


def replay() -> int:
    """Receive what waits in the spool, in order; return how much of it is done with.

    Raise one of DATABASE_AWAY when the database is still, or again, away.
    """
    return spool.replay(_received)


def _received(webhook: ReceivedWebhook) -> bool:
    try:
        receive(webhook)
    except WebhookRefused as refusal:
        rejections.count(refusal.reason)
        logger.error("a spooled webhook was set aside: %s", refusal.reason)
        return False
    return True


class Replayer:
    """A thread that tries to empty the spool, now and then, as long as there is something in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = False

    def wake(self) -> None:
        """Start the thread unless it runs or nothing waits."""
        with self._lock:
            if self._running or not spool.depth():
                return
            self._running = True
        threading.Thread(target=self._run, name="replayer", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._has_work():
            try:
                if count := replay():
                    logger.info("recorded %d webhooks from the spool", count)
            except DATABASE_AWAY as error:
                logger.warning("the spool waits for the database (%s)", type(error).__name__)
            finally:
                connection.close()
            pause.wait(REPLAY_EVERY_S)

    def _has_work(self) -> bool:
        with self._lock:
            self._running = spool.depth() > 0
            return self._running


replayer = Replayer()
