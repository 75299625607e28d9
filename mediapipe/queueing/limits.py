"""How many messages the broker and the workers may hold; other items wait in the database."""

from __future__ import annotations

import math
import time

from django.conf import settings

from mediapipe.models import MediaItem

# A flood lasts for many seconds, so one query per second and account is enough.
QUOTA_CHECK_INTERVAL_S = 1.0
# A worker holds each message with a countdown in memory, at about 9 kB each.
MAX_COUNTDOWNS = 10_000
COUNTDOWN_CHECK_INTERVAL_S = 5.0


class AccountQuota:
    """Keeps one account's flood of webhooks from filling the queue for all others.

    An account may have half of QUEUE_MAX_MESSAGES in the queue. The rest of its media waits in the
    database for the dispatcher, which takes the accounts in turns.
    """

    def __init__(self) -> None:
        self._checked: dict[str, tuple[float, bool]] = {}

    def allows(self, account_sid: str) -> bool:
        """Return whether a new item of this account may be published at once."""
        checked_at, allowed = self._checked.get(account_sid, (-math.inf, False))
        if time.monotonic() - checked_at > QUOTA_CHECK_INTERVAL_S:
            # The new item is in the database already, and counted.
            allowed = MediaItem.objects.in_queue(account_sid) <= settings.QUEUE_MAX_MESSAGES // 2
            self._checked[account_sid] = (time.monotonic(), allowed)
        return allowed

    def reset(self) -> None:
        """Query again for the next item."""
        self._checked.clear()


class CountdownLimit:
    """Bounds the workers' memory: at most MAX_COUNTDOWNS messages with a countdown wait there.

    Beyond that, the dispatcher publishes each item when it is due, just as punctually.
    """

    def __init__(self) -> None:
        self._checked_at, self._allowed = -math.inf, False

    def allows(self) -> bool:
        """Return whether one more item may wait as a message with a countdown."""
        if time.monotonic() - self._checked_at > COUNTDOWN_CHECK_INTERVAL_S:
            self._allowed = MediaItem.objects.in_countdown(MAX_COUNTDOWNS) < MAX_COUNTDOWNS
            self._checked_at = time.monotonic()
        return self._allowed

    def reset(self) -> None:
        """Query again for the next item."""
        self._checked_at = -math.inf


account_quota = AccountQuota()
countdown_limit = CountdownLimit()
