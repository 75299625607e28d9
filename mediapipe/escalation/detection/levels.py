from __future__ import annotations

from django.conf import settings

# This many times the baseline is an outbreak.
OUTBREAK_FACTOR = 10
# An incident resolves at this share of what opens it; the gap prevents flapping.
RECOVERY_SHARE = 0.5


def min_affected() -> int:
    """Return how many media are more than a handful: 8 by default."""
    return max(5, settings.ESCALATION_THRESHOLD // 3)


def opening_level(baseline: float | None) -> float:
    """Return how many affected media open an incident; without a baseline ESCALATION_THRESHOLD.

    With a low baseline ten times as many do, if they are more than a handful.
    """
    threshold = float(settings.ESCALATION_THRESHOLD)
    if baseline is None:
        return threshold
    return min(threshold, max(min_affected(), OUTBREAK_FACTOR * baseline))
