"""How many are too many, and how few are few enough again."""

from __future__ import annotations

from django.conf import settings

# So many times the usual is an outbreak.
OUTBREAK = 10
# It is over when it has fallen to this share of what opens an incident: no flutter in between.
OVER = 0.5


def least() -> int:
    """Return how many media are more than a handful: 8 by default."""
    return max(5, settings.ESCALATION_THRESHOLD // 3)


def level(usual: float | None) -> float:
    """Return how many media open an incident where so many are usual; None: nobody knows.

    Dozens do in any case, and where hardly any are usual ten times as many do.
    """
    threshold = float(settings.ESCALATION_THRESHOLD)
    return threshold if usual is None else min(threshold, max(least(), OUTBREAK * usual))
