from __future__ import annotations

from datetime import timedelta

from mediapipe.escalation.detection.counts import Counts
from mediapipe.models import Cause, GatewayDelivery, Incident, MediaItem, Observation
from mediapipe.timing.period import Period

RECENT = timedelta(hours=1)


def detect_refusing_apps(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect apps behind the gateway whose signature check refuses our requests (401 or 403)."""
    now = period.until
    refusing = GatewayDelivery.objects.refusing_apps(now - RECENT)
    if refusing:
        apps = ", ".join(f"{name} {count}" for name, count in refusing.items())
        # No value: each message adds to the number, which does not make the incident worse.
        seen = Observation(
            None, None, f"Webhooks rejected, by app: {apps}.", MediaItem.objects.none()
        )
        Incident.open_or_update(Cause.APP_REFUSES, observation=seen)
    elif GatewayDelivery.objects.delivered().filter(ended_at__gte=now - RECENT).exists():
        # Without messages it is not known whether the app would accept one.
        Incident.resolve_for(Cause.APP_REFUSES)
