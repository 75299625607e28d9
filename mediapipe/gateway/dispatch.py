"""Publishing the tasks of deliveries, at once or at the pace of their app."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from math import ceil

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from kombu import Producer

from mediapipe import logs
from mediapipe.celery import app
from mediapipe.gateway.deliver import sending_limit
from mediapipe.gateway.entries import REMEDY, Entry, Retry, entries, entry_named
from mediapipe.models import AttemptResult, GatewayApp, GatewayDelivery, GatewayStatus
from mediapipe.queueing.countdown import countdown_s
from mediapipe.queueing.dispatch import try_publish
from mediapipe.settings.queues import RETRIES

logger = logging.getLogger(__name__)

# By name: the task's module imports this package.
DELIVER = "tasks.gateway.deliver"
# Deliveries that one run of the dispatcher publishes per app; each that ends publishes more.
BATCH = 50
# Processes are restarted one after the other: another one may know an app that this one does not.
UNKNOWN_FOR = timedelta(minutes=10)


def publish(ids: Sequence[int], gap_s: float = 0.0) -> None:
    """Publish one task per delivery, each `gap_s` seconds after the one before it.

    Does not raise if the broker is unavailable: the next run of the dispatcher publishes them.
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
    """Publish the next due deliveries of an app, after an attempt at `delivery_id` has ended."""
    name = GatewayDelivery.objects.filter(pk=delivery_id).values("entry")[:1]
    waiting = GatewayDelivery.objects.filter(entry=name, late=False)
    publish(waiting.claim_due(sending_limit()))


def dispatch_due() -> int:
    """Publish the due deliveries of each app, late ones at its pace; return how many.

    Also ends the attempts whose worker died, and drops the deliveries of apps that are not
    configured. While GATEWAY_FILE is invalid, all deliveries wait.
    """
    try:
        apps = entries()
    except ImproperlyConfigured as error:
        logger.error("%s %s", error, REMEDY)
        return 0
    for delivery in GatewayDelivery.objects.lease_expired(timezone.now()):
        _end_interrupted(delivery)
    _drop_unknown(apps)
    blocked = GatewayApp.objects.blocked(timezone.now()).values("name")
    GatewayDelivery.objects.filter(entry__in=blocked).mark_late()
    return sum(map(_dispatch_app, apps))


def _drop_unknown(apps: Sequence[Entry]) -> None:
    names = [entry.name for entry in apps]
    old = GatewayDelivery.objects.waiting().filter(received_at__lt=timezone.now() - UNKNOWN_FOR)
    if dropped := old.exclude(entry__in=names).drop("The app is no longer in GATEWAY_FILE."):
        logger.warning("dropped messages of apps that are not in GATEWAY_FILE: %d", dropped)


def _dispatch_app(entry: Entry) -> int:
    rows = GatewayDelivery.objects.filter(entry=entry.name)
    rows.overdue(timezone.now()).mark_late()
    prompt = rows.filter(late=False).claim_due(BATCH)
    publish(prompt)
    late = rows.filter(late=True).claim_due(ceil(entry.pace * settings.REDISPATCH_INTERVAL_S))
    publish(late, gap_s=1 / entry.pace)
    return len(prompt) + len(late)


def _end_interrupted(delivery: GatewayDelivery) -> None:
    """End an attempt without a result: the app may have got the request."""
    result = AttemptResult(
        detail="The worker died while the app had the request, or the database was away."
    )
    entry = entry_named(delivery.entry)
    if entry and entry.retry == Retry.ALL:
        delivery.retry_later(result)
    else:
        delivery.finish(GatewayStatus.UNKNOWN, result)
    logger.warning("%s: attempt %d ended without a result", delivery, delivery.attempts)


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
