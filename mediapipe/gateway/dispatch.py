"""Publishing the tasks of deliveries, at once or at the pace of their app."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from math import ceil

from django.conf import settings
from django.utils import timezone
from kombu import Producer

from mediapipe import logs
from mediapipe.celery import app
from mediapipe.gateway.deliver import sending_limit
from mediapipe.gateway.entries import Entry, Retry, entries, entry_named
from mediapipe.models import AttemptResult, GatewayApp, GatewayDelivery, GatewayStatus
from mediapipe.queueing.countdown import countdown_s
from mediapipe.queueing.dispatch import try_publish
from mediapipe.settings.queues import RETRIES

logger = logging.getLogger(__name__)

# By name: the task's module imports this package.
DELIVER = "tasks.gateway.deliver"
# What one run of the dispatcher publishes for an app; the end of each delivery publishes more.
BATCH = 50


def publish(ids: Sequence[int], gap_s: float = 0.0) -> None:
    """Publish one task per delivery, each `gap_s` seconds after the one before it.

    Never raises if the broker is unavailable: the next run of the dispatcher publishes them.
    """
    if ids and not try_publish(partial(_publish, ids, gap_s)):
        GatewayDelivery.objects.mark_undispatched(ids)


def publish_event(event_id: int) -> None:
    """Publish the deliveries of an event that are due: its media may just have ended.

    Never raises: whatever goes wrong, the next run of the dispatcher publishes them.
    """
    with logs.logged_errors(logger, "the deliveries of event %d were not published", event_id):
        if entries():
            publish(GatewayDelivery.objects.filter(event=event_id, late=False).claim_due(BATCH))


def publish_next(delivery_id: int) -> None:
    """Publish what is due for the app of a delivery whose attempt has ended."""
    name = GatewayDelivery.objects.filter(pk=delivery_id).values("entry")[:1]
    waiting = GatewayDelivery.objects.filter(entry=name, late=False)
    publish(waiting.claim_due(sending_limit()))


def dispatch_due() -> int:
    """Publish what is due for each app, the late ones at its pace; return how many.

    Also ends the deliveries whose worker died, and drops those of apps that are not configured.
    """
    for delivery in GatewayDelivery.objects.lease_expired(timezone.now()):
        _end_interrupted(delivery)
    names = [entry.name for entry in entries()]
    GatewayDelivery.objects.waiting().exclude(entry__in=names).drop(
        "The app is no longer in GATEWAY_FILE."
    )
    blocked = GatewayApp.objects.blocked(timezone.now()).values("name")
    GatewayDelivery.objects.filter(entry__in=blocked).mark_late()
    return sum(map(_dispatch_app, entries()))


def _dispatch_app(entry: Entry) -> int:
    rows = GatewayDelivery.objects.filter(entry=entry.name)
    prompt = rows.filter(late=False).claim_due(BATCH)
    publish(prompt)
    late = rows.filter(late=True).claim_due(ceil(entry.pace * settings.REDISPATCH_INTERVAL_S))
    publish(late, gap_s=1 / entry.pace)
    return len(prompt) + len(late)


def _end_interrupted(delivery: GatewayDelivery) -> None:
    """End an attempt whose worker died: the app may have got the request."""
    result = AttemptResult(detail="The worker died while the app had the request.")
    entry = entry_named(delivery.entry)
    if entry and entry.retry == Retry.ALL:
        delivery.retry_later(result)
    else:
        delivery.finish(GatewayStatus.UNKNOWN, result)
    logger.warning("%s: the worker died during attempt %d", delivery, delivery.attempts)


def _publish(ids: Sequence[int], gap_s: float, producer: Producer) -> None:
    for place, delivery_id in enumerate(ids):
        wait_s = countdown_s(place * gap_s)
        app.send_task(
            DELIVER,
            kwargs={"delivery_id": delivery_id},
            countdown=wait_s or None,
            queue=RETRIES,
            producer=producer,
            retry=False,
            ignore_result=True,
        )
