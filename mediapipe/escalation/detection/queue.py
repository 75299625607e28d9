from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from mediapipe.escalation.detection.counts import Counts, received
from mediapipe.models import AccountHealth, Cause, Incident, Observation, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# A local outage shows in recent media, and has ended when new media is fetched promptly.
RECENT = timedelta(hours=1)
JUST_NOW = timedelta(minutes=15)
# Longer than the dispatcher takes to publish the task of a lost message again.
LATE_S = 120.0
MIN_LATE = 10
MIN_SHARE = 0.2
# The media of accounts with these incidents waits intentionally, and forms a queue afterwards.
HELD_UP = (Cause.CREDENTIALS, Cause.RATE_LIMIT)


def detect_queue_delay(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect media that waits in our own queue, for the whole service."""
    now = period.until
    incidents = Incident.objects.filter(cause=Cause.QUEUE)
    ongoing = incidents.ongoing().first()
    if ongoing and not _delayed(Period(now - JUST_NOW, now)).exists():
        ongoing.resolve()
        return
    resolved_at = None if ongoing else incidents.last_resolved_at(now - RECENT)
    recent = Period(resolved_at or now - RECENT, now)
    late = _delayed(recent)
    count = late.count()
    if ongoing or (count >= MIN_LATE and count >= MIN_SHARE * _fetchable(recent).count()):
        detail = f"{count} media items waited {LATE_S:g} s or longer for their first attempt."
        Incident.open_or_update(Cause.QUEUE, "", Observation(count, None, detail, late))


def _fetchable(period: Period) -> MediaQuerySet:
    incidents = Incident.objects.filter(cause__in=HELD_UP)
    held_up = incidents.filter(Q(resolved_at=None) | Q(resolved_at__gte=period.since - RECENT))
    paused = AccountHealth.objects.paused_by_users()
    media = received(period).exclude(account_sid__in=held_up.values("account_sid"))
    media = media.exclude(account_sid__in=paused.values("account_sid"))
    return media.exclude(status=Status.ABSENT)


def _delayed(period: Period) -> MediaQuerySet:
    long_ago = period.until - timedelta(seconds=LATE_S)
    # Twilio received reconciled media long ago, but our queue has it only since `reconciled_at`.
    since = Q(reconciled_at=None, received_at__lt=long_ago) | Q(reconciled_at__lt=long_ago)
    untried = since & Q(first_attempt_at=None, status=Status.QUEUED)
    return _fetchable(period).filter(Q(queue_lag_s__gte=LATE_S) | untried)
