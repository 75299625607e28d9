"""Turns a webhook, on arrival or from the spool, into durable rows and published tasks."""

from __future__ import annotations

import logging
import threading
import traceback
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from mediapipe import logs
from mediapipe.gateway.dispatch import publish_event
from mediapipe.gateway.entries import REMEDY
from mediapipe.models import MediaItem, WebhookEvent
from mediapipe.providers.base import InboundMessage, Parameters
from mediapipe.providers.refusals import WebhookRefused
from mediapipe.queueing.dispatch import dispatch
from mediapipe.queueing.limits import account_quota
from mediapipe.webhooks import rejections, spool
from mediapipe.webhooks.outage import is_outage
from mediapipe.webhooks.record import record
from mediapipe.webhooks.request import ReceivedWebhook

logger = logging.getLogger(__name__)

DRAIN_EVERY_S = 2.0


class DatabaseUnavailable(Exception):
    """A verified webhook could not be recorded; it can be once the database is back."""


class NotRecorded(Exception):
    """A verified webhook could not be recorded because of a bug, and would fail again."""


class AppsUnknown(ImproperlyConfigured):
    """A verified webhook could not be recorded; it can be once GATEWAY_FILE is valid."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a verified webhook; `event` and `message` are None if it announces none."""

    parameters: Parameters
    event: WebhookEvent | None
    message: InboundMessage | None


def receive(webhook: ReceivedWebhook) -> Receipt:
    """Verify, parse, record, dispatch; the event is durable when this returns.

    Raise WebhookRefused for a webhook that cannot be verified or parsed, and DatabaseUnavailable,
    AppsUnknown or NotRecorded for a verified one that could not be recorded.
    """
    parameters = webhook.provider.verify(webhook.request)
    try:
        receipt = _parse_and_record(webhook, parameters)
    except WebhookRefused:
        raise
    except ImproperlyConfigured as error:
        raise AppsUnknown(f"{error} {REMEDY}") from error
    except Exception as error:
        if is_outage(error):
            raise DatabaseUnavailable(type(error).__name__) from error
        _log_bug(error)
        raise NotRecorded(type(error).__name__) from error
    if event := receipt.event:
        # The event is durable, and the dispatcher publishes what this does not.
        with logs.logged_errors(logger, "the media of event %d was not published", event.pk):
            _publish(event)
    return receipt


def _parse_and_record(webhook: ReceivedWebhook, parameters: Parameters) -> Receipt:
    provider = webhook.provider
    message = provider.parse(webhook.source, parameters, webhook.request.headers)
    if message is None:
        return Receipt(parameters, None, None)
    event = record(
        message,
        provider=provider.name,
        received_at=webhook.received_at,
        request=webhook.request,
        forwarded=webhook.forwarded,
    )
    logs.bind(event_id=event.pk)
    return Receipt(parameters, event, message)


def _publish(event: WebhookEvent) -> None:
    if event.has_deliveries:
        publish_event(event.pk)
    if account_quota.allows(event.account_sid):
        dispatch(event.queued)
    else:
        MediaItem.objects.mark_undispatched(event.queued)


def _log_bug(error: Exception) -> None:
    # Without the error's message, in which the database quotes phone numbers and texts.
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("a webhook could not be recorded: %s\n%s", type(error).__name__, where)


def spool_webhook(webhook: ReceivedWebhook) -> None:
    """Store a verified webhook until the database is back; raise SpoolUnavailable if that fails."""
    # Otherwise the next request would get the same broken connection.
    connection.close()
    spool.put(webhook)
    drainer.wake()


def drain_spool() -> int:
    """Receive the spooled webhooks in order; return how many were recorded or set aside.

    Raise DatabaseUnavailable if the database is still, or again, unavailable, and
    ImproperlyConfigured if no signature can be verified or GATEWAY_FILE is invalid.
    """

    def is_recorded(webhook: ReceivedWebhook) -> bool:
        # The signature is verified again: the token may have been revoked in the meantime.
        try:
            receive(webhook)
        except WebhookRefused as refusal:
            rejections.count_rejection(refusal)
            logger.error("a spooled webhook was set aside: %s", refusal.reason)
            return False
        except (DatabaseUnavailable, ImproperlyConfigured):
            # Every other webhook would fail in the same way.
            raise
        except Exception as error:
            logger.error("a spooled webhook was set aside: %s", type(error).__name__)
            return False
        return True

    return spool.drain(is_recorded)


class SpoolDrainer:
    """A thread that drains the spool at intervals and ends when it is empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = False
        self._thread = threading.Thread()

    def wake(self) -> None:
        """Start the thread unless it is running or the spool is empty."""
        with self._lock:
            # `_running` stays True if an error has ended the thread.
            if (self._running and self._thread.is_alive()) or not spool.depth():
                return
            self._running = True
            self._thread = threading.Thread(target=self._run, name="spool-drainer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._has_work():
            try:
                if count := drain_spool():
                    logger.info("webhooks recorded from the spool: %d", count)
            except DatabaseUnavailable as error:
                logger.warning("the database is still unavailable (%s)", error)
            except ImproperlyConfigured as error:
                logger.error("the spooled webhooks are waiting: %s", error)
            except Exception:
                logger.exception("the spool could not be drained; will retry")
            finally:
                connection.close()
            pause.wait(DRAIN_EVERY_S)

    def _has_work(self) -> bool:
        # Under the lock, so that wake() does not mistake a thread about to end for a running one.
        with self._lock:
            self._running = spool.depth() > 0
            return self._running


drainer = SpoolDrainer()
