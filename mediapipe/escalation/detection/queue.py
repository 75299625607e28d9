"""Our own queue: media that waited for us and not for Twilio."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from mediapipe.escalation.detection.counts import received
from mediapipe.models import Cause, Incident, Observation, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# An outage of ours shows in what came in lately, and is over when what comes in is prompt.
LATELY = timedelta(hours=1)
JUST_NOW = timedelta(minutes=15)
# Longer than the sweep takes to bring back what a lost message would have brought.
LATE_S = 120.0
LEAST = 10
SHARE = 0.2
# The media of these accounts waits by intention, and for a while longer in a line.
HELD_UP = (Cause.CREDENTIALS, Cause.RATE_LIMIT)


def check(now: datetime) -> None:
    """Open, continue and end the one incident of our own queue."""
    incidents = Incident.objects.filter(cause=Cause.QUEUE)
    ongoing = incidents.ongoing().first()
    if ongoing and not _kept_waiting(Period(now - JUST_NOW, now)).exists():
        ongoing.resolve()
        return
    settled = None if ongoing else incidents.last_resolved_at(now - LATELY)
    period = Period(settled or now - LATELY, now)
    late = _kept_waiting(period)
    count = late.count()
    if ongoing or (count >= LEAST and count >= SHARE * _fetchable(period).count()):
        detail = f"{count} media waited for {LATE_S:g} s or longer until they were asked for."
        Incident.open_or_update(Cause.QUEUE, "", Observation(count, None, detail, late))


def _fetchable(period: Period) -> MediaQuerySet:
    incidents = Incident.objects.filter(cause__in=HELD_UP)
    held_up = incidents.filter(Q(resolved_at=None) | Q(resolved_at__gte=period.since - LATELY))
    media = received(period).exclude(account_sid__in=held_up.values("account_sid"))
    return media.exclude(status=Status.ABSENT)


def _kept_waiting(period: Period) -> MediaQuerySet:
    long_ago = period.until - timedelta(seconds=LATE_S)
    # What reconciliation found came to Twilio long ago, and to us just now.
    since = Q(reconciled_at=None, received_at__lt=long_ago) | Q(reconciled_at__lt=long_ago)
    untried = since & Q(first_attempt_at=None, status=Status.QUEUED)
    return _fetchable(period).filter(Q(queue_lag_s__gte=LATE_S) | untried)
