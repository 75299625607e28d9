from __future__ import annotations

from collections import Counter

from django.db.models import Exists, OuterRef, Q

from mediapipe.escalation.detection.baseline import baseline_count
from mediapipe.escalation.detection.counts import Counts, tail
from mediapipe.escalation.detection.levels import RECOVERY_SHARE, min_affected, opening_level
from mediapipe.failures import Erased, GivenUp, MediaDeleted
from mediapipe.models import Cause, Incident, IncidentMedia, MediaItem, Observation
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# What users delete at Twilio, give up or erase is not a problem of the service.
BY_USERS = (MediaDeleted.slug, GivenUp.slug, Erased.slug)
FAILED = Q(failed_at__isnull=False) & ~Q(error__in=BY_USERS)
# How many failure slugs the detail names.
MAX_REASONS = 3


def detect_failures(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect accounts with dozens of failed media, or ten times the baseline."""
    reasons_of: dict[str, Counter[str]] = {}
    for sid, error in _failed(period).values_list("account_sid", "error"):
        reasons_of.setdefault(sid, Counter())[error] += 1
    ongoing = {i.account_sid: i for i in Incident.objects.ongoing().filter(cause=Cause.FAILURES)}
    for sid, incident in ongoing.items():
        _update_or_resolve(incident, period, reasons_of.get(sid, Counter()))
    for sid, reasons in reasons_of.items():
        if sid not in ongoing and reasons.total() >= min_affected():
            _open_if_due(sid, period, reasons)


def _failed(period: Period, account_sid: str = "") -> MediaQuerySet:
    """Return what failed within the period, without what an incident of another cause explains."""
    explained = IncidentMedia.objects.filter(media=OuterRef("pk"))
    explained = explained.exclude(incident__cause=Cause.FAILURES)
    media = MediaItem.objects.filter(
        FAILED, failed_at__gte=period.since, failed_at__lt=period.until
    ).exclude(Exists(explained))
    return media.filter(account_sid=account_sid) if account_sid else media


def _open_if_due(account_sid: str, period: Period, reasons: Counter[str]) -> None:
    earlier = Incident.objects.filter(cause=Cause.FAILURES, account_sid=account_sid)
    if resolved_at := earlier.last_resolved_at(period.since):
        # Failures of a resolved incident must not open it again.
        period = Period(resolved_at, period.until)
        reasons = Counter(_failed(period, account_sid).values_list("error", flat=True))
    account = MediaItem.objects.filter(account_sid=account_sid)
    baseline = baseline_count(account, period, FAILED, field="failed_at")
    if reasons.total() >= opening_level(baseline):
        observation = _observation(account_sid, period, reasons, baseline)
        Incident.open_or_update(Cause.FAILURES, account_sid, observation)


def _update_or_resolve(incident: Incident, period: Period, reasons: Counter[str]) -> None:
    recent = _failed(tail(period, 0.25), incident.account_sid)
    few = reasons.total() <= RECOVERY_SHARE * opening_level(incident.usual)
    if few or not recent.exists():
        incident.resolve()
        return
    observation = _observation(incident.account_sid, period, reasons, incident.usual)
    Incident.open_or_update(Cause.FAILURES, incident.account_sid, observation)


def _observation(
    account_sid: str, period: Period, reasons: Counter[str], baseline: float | None
) -> Observation:
    named = ", ".join(f"{error} {count}" for error, count in reasons.most_common(MAX_REASONS))
    detail = f"{reasons.total()} media items failed permanently: {named}."
    return Observation(reasons.total(), baseline, detail, _failed(period, account_sid))
