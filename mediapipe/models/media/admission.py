"""Whether an account that is paused or rate-limited may make one more request."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from django.conf import settings

from mediapipe.failures import AccountBusy
from mediapipe.models.accounts import AccountHealth
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import DELIVERY_TIMEOUT, Status


def is_admitted(item: MediaRow, now: datetime) -> bool:
    """Return whether the item may be fetched; False if its account is paused: drop the message.

    Raises AccountBusy while the rate leaves no room. The message is retried after its
    `retry_after_s`; if that is None, the dispatcher publishes the item.
    """
    health = AccountHealth.get_or_create_for(item.account_sid)
    if not health.may_fetch(now):
        if health.paused_by:
            # The dispatcher publishes the item after the pause.
            _set_sweep_at(item, now)
        return False
    if not health.may_request(now):
        raise AccountBusy(retry_after_s=_turn_away(item, health.rate_at(now), now))
    return True


def _turn_away(item: MediaRow, rate: float, now: datetime) -> float | None:
    """Return after how many seconds the item may try again; None leaves it to the dispatcher.

    Waiting items retry at random times, spread over as long as they take at this rate. If more are
    waiting than fit before the next run of the dispatcher, the item is left to it: most retries
    would only be turned away again.
    """
    room = rate * settings.REDISPATCH_INTERVAL_S
    waiting = _waiting(item, now, limit=math.ceil(room) + 1)
    if waiting > room:
        _set_sweep_at(item, now)
        return None
    delay_s = random.uniform(1, waiting + 1) / rate  # noqa: S311  jitter
    _set_sweep_at(item, now + timedelta(seconds=delay_s) + DELIVERY_TIMEOUT)
    return delay_s


def _waiting(item: MediaRow, now: datetime, limit: int) -> int:
    """Return how many items of its account are due, counted up to `limit`."""
    due = type(item)._default_manager.filter(
        account_sid=item.account_sid,
        status__in=[Status.QUEUED, Status.RETRYING],
        next_attempt_at__lte=now,
        # Limits the rows that are read: `next_attempt_at` has no index.
        sweep_at__lte=now + 2 * DELIVERY_TIMEOUT,
    )
    return due[:limit].count()


def _set_sweep_at(item: MediaRow, at: datetime) -> None:
    rows = type(item)._default_manager.filter(pk=item.pk, lease=item.lease)
    rows.update(sweep_at=at)
