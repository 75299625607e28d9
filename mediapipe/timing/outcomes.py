"""What became of the media, and how many attempts it took."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count

from mediapipe.models import Status
from mediapipe.timing.selection import Selection

# The fast phase has ten attempts as a rule; what took more is told in one.
MANY_ATTEMPTS = 11


def attempts_until_stored(selection: Selection) -> dict[int, int]:
    """Return how many media were stored at each number of attempts, MANY_ATTEMPTS for more."""
    stored = selection.media().filter(status=Status.STORED)
    counts = Counter[int]()
    for attempts, number in stored.values_list("attempts").annotate(number=Count("*")).order_by():
        counts[min(attempts, MANY_ATTEMPTS)] += number
    return {attempts: counts[attempts] for attempts in range(1, MANY_ATTEMPTS + 1)}
