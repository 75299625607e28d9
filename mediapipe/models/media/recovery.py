"""What a dead worker or broker leaves behind, found sooner than by its timeout."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from mediapipe.models.heartbeats import Heartbeat
from mediapipe.models.media.item import LEASE, MediaItem, MediaQuerySet
from mediapipe.models.status import DELIVERY_TIMEOUT, Status

# A worker that has missed two heartbeats, and renewed no lease meanwhile, holds nothing. If it is
# alive, its work is done twice; so this is sooner than it is reported as dead.
SILENT_AFTER = timedelta(seconds=10)
# A message starts its item within this time of when it is due, if no others wait before it.
LOST_AFTER = timedelta(seconds=3)
SECOND = timedelta(seconds=1)


def release_leases(worker: str, now: datetime) -> int:
    """End the leases of a dead worker; return how many there were."""
    return _release(_held_by([worker], now), now)


def release_silent(now: datetime) -> int:
    """End the leases of the workers that are silent; return how many there were.

    Those renewed lately are kept: without the broker a worker is silent, but goes on downloading.
    """
    silent = Heartbeat.workers_silent_since(now - SILENT_AFTER)
    held = _held_by(silent, now).filter(leased_until__lte=now + LEASE - SILENT_AFTER)
    return _release(held, now)


def _held_by(workers: list[str], now: datetime) -> MediaQuerySet:
    of_last_attempt = {"attempt_set__number": F("attempts"), "attempt_set__worker__in": workers}
    return MediaItem.objects.in_flight(now).filter(**of_last_attempt)


def _release(held: MediaQuerySet, now: datetime) -> int:
    return _update(held, leased_until=now, sweep_at=now)


def requeue_lost(items: MediaQuerySet, now: datetime) -> int:
    """Make items due for the dispatcher whose message is lost; return how many there were.

    Call it only while the queue of these items is empty: the message of an item that is due is
    then either with a worker or lost. With a busy worker it makes a duplicate, so that this is done
    once per item and due time; if the next message is lost too, DELIVERY_TIMEOUT applies.
    """
    lost = items.filter(
        status__in=[Status.QUEUED, Status.RETRYING],
        next_attempt_at__lte=now - LOST_AFTER,
        sweep_at__gt=now,
        sweep_at__lte=now + DELIVERY_TIMEOUT - LOST_AFTER,
    )
    published_once = lost.filter(sweep_at__lte=F("next_attempt_at") + DELIVERY_TIMEOUT + SECOND)
    return _update(published_once, sweep_at=now)


def _update(items: MediaQuerySet, **columns: datetime) -> int:
    """Write these columns, but not of rows that a transaction has locked, maybe a frozen one."""
    ids = items.values("pk")
    if connection.features.has_select_for_update_skip_locked:
        ids = ids.select_for_update(skip_locked=True, of=("self",))
    # Django asks for a transaction around a lock, also for that of a single statement.
    with transaction.atomic():
        return MediaItem.objects.filter(pk__in=ids).update(**columns)
