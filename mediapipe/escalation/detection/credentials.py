from __future__ import annotations

from mediapipe.escalation.detection.counts import Counts, received
from mediapipe.fetching.not_found import credentials_suspected
from mediapipe.models import Cause, Incident, MediaItem, Observation
from mediapipe.timing.period import Period


def detect_wrong_credentials(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect credentials of another account: every fetch returns 404, and none ever succeeded."""
    for sid, counts in accounts.items():
        if not counts.found and credentials_suspected(sid):
            media = received(period, sid).early_404()
            detail = f"All {media.count()} media items fetched returned 404; none was ever found."
            # No value: each message adds to the number, which does not make the incident worse.
            observation = Observation(None, None, detail, media)
            Incident.open_or_update(Cause.CREDENTIALS_SUSPECTED, sid, observation)
    for incident in Incident.objects.ongoing().filter(cause=Cause.CREDENTIALS_SUSPECTED):
        if MediaItem.objects.filter(account_sid=incident.account_sid).found().exists():
            incident.resolve()
