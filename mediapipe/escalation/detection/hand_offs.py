from __future__ import annotations

from django.db.models import Q

from mediapipe.escalation.detection.counts import Counts
from mediapipe.models import Cause, HandOff, Incident, MediaItem, Observation
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.timing.period import Period

# Two minutes of retries: a receiver that restarts is back by then.
MIN_ATTEMPTS = 4
# A receiver may permanently refuse a few and accept the rest.
MIN_FAILING = 5


def detect_failing_hand_offs(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect a receiver that accepts no hand-offs or refuses many, for the whole service."""
    waiting = Q(status=DeliveryStatus.WAITING, attempts__gte=MIN_ATTEMPTS)
    # The `sweep_at` of a failed hand-off is about the time of its last attempt.
    failed = Q(status=DeliveryStatus.FAILED, sweep_at__gte=period.since)
    failing = HandOff.objects.filter(waiting | failed).count()
    if not failing:
        Incident.resolve_for(Cause.HAND_OFFS)
        return
    taken = HandOff.objects.delivered().filter(delivered_at__gte=period.since).exists()
    if failing >= MIN_FAILING or not taken:
        detail = f"Failing hand-offs: {failing}. Last result: {_last_result(waiting | failed)}"
        seen = Observation(failing, None, detail, MediaItem.objects.none())
        Incident.open_or_update(Cause.HAND_OFFS, "", seen)


def _last_result(failing: Q) -> str:
    newest = HandOff.objects.filter(failing).order_by("-sweep_at").first()
    return newest.delivery_log[-1].result if newest and newest.delivery_log else "none yet."
