"""Recovers items early after a worker died, the broker was lost or the clock was set back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from mediapipe.models.heartbeats import Heartbeat
from mediapipe.models.media.item import LEASE, MediaItem, MediaQuerySet
from mediapipe.models.media.row import WAITS_IN_SLOW_PHASE
from mediapipe.models.status import DELIVERY_TIMEOUT, Status, longest_fast_wait

# A worker that has missed two heartbeats, and renewed no lease meanwhile, loses its leases. If it
# is alive, its work is only done twice; so this is less than the time until it is reported dead.
SILENT_AFTER = timedelta(seconds=7)
# If no other messages are ahead of it, a message starts its item within this time of its due time.
LOST_AFTER = timedelta(seconds=3)
SECOND = timedelta(seconds=1)


def release_leases(worker: str, now: datetime) -> int:
    """End the leases of a dead worker; return how many there were."""
    return _release(_held_by([worker], now), now)


def release_silent(now: datetime) -> int:
    """End the leases of silent workers; return how many there were.

    Leases renewed within SILENT_AFTER are kept: without the broker a worker is silent, but
    continues to download.
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
    """Make items whose message is lost due for the dispatcher; return how many there were.

    Call it only while the queue of these items is empty: the message of an item that is due is
    then either with a worker or lost. If a busy worker has it, the next message is a duplicate, so
    this is done once per item and due time; if that one is lost too, DELIVERY_TIMEOUT applies.
    """
    lost = items.filter(
        status__in=[Status.QUEUED, Status.RETRYING],
        next_attempt_at__lte=now - LOST_AFTER,
        sweep_at__gt=now,
        sweep_at__lte=now + DELIVERY_TIMEOUT - LOST_AFTER,
    )
    published_once = lost.filter(sweep_at__lte=F("next_attempt_at") + DELIVERY_TIMEOUT + SECOND)
    return _update(published_once, sweep_at=now)


def requeue_far_ahead(now: datetime) -> int:
    """Make due the items outside the slow phase that wait longer than any of them can.

    Their times were written before the clock was set back. Without this they would wait longer by
    as much as the clock was wrong. Return how many there were.
    """
    ahead = MediaItem.objects.exclude(WAITS_IN_SLOW_PHASE)
    ahead = ahead.filter(sweep_at__gt=now + longest_fast_wait())
    # Ordered, this is one lookup at the end of an index, whatever the planner expects to find.
    if ahead.order_by("-sweep_at").values_list("pk").first() is None:
        return 0
    return _update(ahead, sweep_at=now)


def _update(items: MediaQuerySet, **columns: datetime) -> int:
    """Write these columns, except in rows that another transaction has locked: it may be frozen."""
    ids = items.values("pk")
    if connection.features.has_select_for_update_skip_locked:
        ids = ids.select_for_update(skip_locked=True, of=("self",))
    # Django requires a transaction for a lock, even within a single statement.
    with transaction.atomic():
        return MediaItem.objects.filter(pk__in=ids).update(**columns)
