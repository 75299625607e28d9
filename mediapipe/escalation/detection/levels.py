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
    """Return how many affected media open an incident.

    Without a baseline it is ESCALATION_THRESHOLD; with one, OUTBREAK_FACTOR times the baseline, but
    at least min_affected() and at most ESCALATION_THRESHOLD.
    """
    threshold = float(settings.ESCALATION_THRESHOLD)
    if baseline is None:
        return threshold
    return min(threshold, max(min_affected(), OUTBREAK_FACTOR * baseline))
