"""How many messages the broker and the workers are given to hold; the rest waits as rows."""

from __future__ import annotations

import math
import time

from django.conf import settings

from mediapipe.models import MediaItem

# A flood is a matter of many seconds, so one look a second is enough and costs next to nothing.
LOOK_EVERY_S = 1.0
# A worker holds each message with a countdown in memory, which takes about 9 kB.
MAX_COUNTDOWNS = 10_000
LOOK_AT_COUNTDOWNS_EVERY_S = 5.0


class AccountQuota:
    """One account's flood of webhooks leaves room in the queue for everybody else's.

    Remembers for a moment which accounts have their share of messages in the queue already.
    The rest of their media waits in the database for the sweep, which hands out in turns.
    """

    def __init__(self) -> None:
        self._looked: dict[str, tuple[float, bool]] = {}

    def allows(self, account_sid: str) -> bool:
        """Tell whether a fresh item of this account may be published at once."""
        looked_at, allows = self._looked.get(account_sid, (-math.inf, False))
        if time.monotonic() - looked_at > LOOK_EVERY_S:
            share = settings.QUEUE_MAX_MESSAGES // 2
            # The item that is asked for is in the database already, and counted.
            allows = MediaItem.objects.in_queue(account_sid) <= share
            self._looked[account_sid] = (time.monotonic(), allows)
        return allows

    def forget(self) -> None:
        """Look anew at the next item."""
        self._looked.clear()


class CountdownLimit:
    """Not more media waits for its next attempt in the memory of the workers than they can bear.

    The sweep is as punctual, so that nobody's media waits any longer for it.
    """

    def __init__(self) -> None:
        self._looked_at, self._has_room = -math.inf, False

    def allows(self) -> bool:
        """Tell whether one more item may come back by a message with a countdown."""
        if time.monotonic() - self._looked_at > LOOK_AT_COUNTDOWNS_EVERY_S:
            waiting = MediaItem.objects.in_countdown(MAX_COUNTDOWNS + 1)
            self._has_room = waiting <= MAX_COUNTDOWNS
            self._looked_at = time.monotonic()
        return self._has_room

    def forget(self) -> None:
        """Look anew at the next item."""
        self._looked_at = -math.inf


account_quota = AccountQuota()
countdown_limit = CountdownLimit()
