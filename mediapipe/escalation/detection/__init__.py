"""Is anything wrong? Asked every minute, answered by the rows alone."""

from __future__ import annotations

from datetime import datetime

from mediapipe.escalation.detection import credentials, failing, propagation, queue
from mediapipe.escalation.detection.counts import by_account, window


def check(now: datetime) -> None:
    """Open, continue and end every incident that shows in the counts.

    Two that check at the same moment make one incident, and announce each of its steps once.
    """
    period = window(now)
    accounts = by_account(period)
    queue.check(now)
    credentials.check(period, accounts)
    propagation.check(period, accounts)
    failing.check(period)
