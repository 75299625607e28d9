"""Media that failed for good: as many as dozens, or ten times as many as usual."""

from __future__ import annotations

from collections import Counter

from django.db.models import Exists, OuterRef, Q

from mediapipe.escalation.detection.baseline import usual_count
from mediapipe.escalation.detection.counts import ending
from mediapipe.escalation.detection.levels import OVER, least, level
from mediapipe.failures import MediaDeleted
from mediapipe.models import Cause, Incident, IncidentMedia, MediaItem, Observation
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# People delete media, as is their right.
FAILED = Q(failed_at__isnull=False) & ~Q(error=MediaDeleted.slug)
# So many reasons are named in one sentence.
REASONS = 3


def check(period: Period) -> None:
    """Open, continue and end the incidents of each account's failures."""
    accounts: dict[str, Counter[str]] = {}
    for sid, error in _failed(period).values_list("account_sid", "error"):
        accounts.setdefault(sid, Counter())[error] += 1
    ongoing = {i.account_sid: i for i in Incident.objects.ongoing().filter(cause=Cause.FAILURES)}
    for sid, incident in ongoing.items():
        _go_on(incident, period, accounts.get(sid, Counter()))
    for sid, reasons in accounts.items():
        if sid not in ongoing and reasons.total() >= least():
            _open_if_due(sid, period, reasons)


def _failed(period: Period, account_sid: str = "") -> MediaQuerySet:
    """Return what failed within the period and no incident of another cause explains."""
    explained = IncidentMedia.objects.filter(media=OuterRef("pk"))
    explained = explained.exclude(incident__cause=Cause.FAILURES)
    media = MediaItem.objects.filter(
        FAILED, failed_at__gte=period.since, failed_at__lt=period.until
    ).exclude(Exists(explained))
    return media.filter(account_sid=account_sid) if account_sid else media


def _open_if_due(account_sid: str, period: Period, reasons: Counter[str]) -> None:
    earlier = Incident.objects.filter(cause=Cause.FAILURES, account_sid=account_sid)
    if settled := earlier.last_resolved_at(period.since):
        period = Period(settled, period.until)
        reasons = Counter(_failed(period, account_sid).values_list("error", flat=True))
    account = MediaItem.objects.filter(account_sid=account_sid)
    usual = usual_count(account, period, FAILED, field="failed_at")
    if reasons.total() >= level(usual):
        Incident.open_or_update(
            Cause.FAILURES, account_sid, _observation(account_sid, period, reasons, usual)
        )


def _go_on(incident: Incident, period: Period, reasons: Counter[str]) -> None:
    recent = _failed(ending(period, 0.25), incident.account_sid)
    if reasons.total() <= OVER * level(incident.usual) or not recent.exists():
        incident.resolve()
        return
    observation = _observation(incident.account_sid, period, reasons, incident.usual)
    Incident.open_or_update(Cause.FAILURES, incident.account_sid, observation)


def _observation(
    account_sid: str, period: Period, reasons: Counter[str], usual: float | None
) -> Observation:
    named = ", ".join(f"{error} {count}" for error, count in reasons.most_common(REASONS))
    detail = f"{reasons.total()} media failed for good: {named}."
    return Observation(reasons.total(), usual, detail, _failed(period, account_sid))
