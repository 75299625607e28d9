"""Credentials that open nothing: every fetch of an account is a 404, and none ever was not."""

from __future__ import annotations

from mediapipe.escalation.detection.counts import Counts, received
from mediapipe.fetching.not_found import credentials_suspected
from mediapipe.models import Cause, Incident, MediaItem, Observation
from mediapipe.timing.period import Period


def check(period: Period, accounts: dict[str, Counts]) -> None:
    """Open, continue and end the incidents of credentials that may be those of another account."""
    for sid, counts in accounts.items():
        if not counts.found and credentials_suspected(sid):
            Incident.open_or_update(Cause.CREDENTIALS_SUSPECTED, sid, _observation(period, sid))
    for incident in Incident.objects.ongoing().filter(cause=Cause.CREDENTIALS_SUSPECTED):
        if MediaItem.objects.filter(account_sid=incident.account_sid).found().exists():
            incident.resolve()


def _observation(period: Period, account_sid: str) -> Observation:
    media = received(period, account_sid).early_404()
    count = media.count()
    detail = f"All {count} media that were asked for were answered 404; none was ever found."
    # With each message that comes in there are more of them, which is no news.
    return Observation(None, None, detail, media)
