"""Detects slow propagation at Twilio: dozens of early 404s, ten times the baseline, or a delay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from mediapipe.escalation.detection.baseline import baseline_of_hours, baseline_p95_s
from mediapipe.escalation.detection.counts import (
    LATE,
    PROPAGATED,
    Counts,
    count_media,
    received,
    sum_counts,
    tail,
)
from mediapipe.escalation.detection.levels import (
    OUTBREAK_FACTOR,
    RECOVERY_SHARE,
    min_affected,
    opening_level,
)
from mediapipe.models import Cause, Incident, MediaItem, Observation
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# Two symptoms of one problem: while an incident of one is ongoing, the other opens none.
CAUSES = (Cause.EARLY_404S, Cause.SLOW_PROPAGATION)
# A p95 above this, and this many times the baseline, is slow, given enough media.
SLOW_S = 5.0
SLOW_FACTOR = 3
MIN_MEDIA = 100
# If one account has this share of the late media, the whole service is not affected.
MAIN_SHARE = 0.8
# Recovered if at least this many late media were expected recently and at most a quarter of them
# occurred: by chance that happens once in hundreds of cases.
MIN_EXPECTED = 12
HARDLY_ANY = 0.25

Detected = tuple[Cause, Observation]


@dataclass(frozen=True, slots=True)
class Scope:
    """One account; or, where `account_sid` is empty, all of them except those in `without`."""

    period: Period
    counts: Counts
    account_sid: str = ""
    without: tuple[str, ...] = ()

    def everything(self) -> MediaQuerySet:
        """Return all media of these accounts, received at any time."""
        if self.account_sid:
            return MediaItem.objects.filter(account_sid=self.account_sid)
        return MediaItem.objects.exclude(account_sid__in=self.without)

    def media(self, period: Period | None = None) -> MediaQuerySet:
        """Return the media of these accounts received within `period`, by default its own."""
        found = received(period or self.period, self.account_sid)
        return found.exclude(account_sid__in=self.without) if self.without else found

    def baseline(self, *, early: bool) -> float | None:
        """Return about how many media, or early 404s, are normal; None if that is unknown."""
        accounts = (self.account_sid, self.without)
        return baseline_of_hours(self.everything(), self.period, accounts, early=early)

    def within(self, period: Period) -> Scope:
        """Return the same accounts in another period."""
        return Scope(period, count_media(self.media(period)), self.account_sid, self.without)


def detect_late_propagation(period: Period, accounts: dict[str, Counts]) -> None:
    """Detect media that is available late, for single accounts or for the whole service."""
    ongoing = {i.account_sid: i for i in Incident.objects.ongoing().filter(cause__in=CAUSES)}
    # If nothing was ever found, the credentials are wrong and propagation is not the cause.
    known = {sid: counts for sid, counts in accounts.items() if _is_known(counts)}
    others = {sid: counts for sid, counts in known.items() if sid not in ongoing}
    without = tuple(sorted(accounts.keys() - others.keys()))
    whole = Scope(period, sum_counts(others.values()), without=without)
    for sid, incident in ongoing.items():
        scope = Scope(period, known.get(sid, Counts()), sid) if sid else whole.within(period)
        _update_or_resolve(incident, scope)
    if "" not in ongoing:
        scopes = [Scope(period, counts, sid) for sid, counts in others.items()]
        for scope, detected in _detect_in(whole, scopes):
            _open_unless_resolved(scope, detected)


def _is_known(counts: Counts) -> bool:
    if counts.found or not counts.late:
        return True
    return MediaItem.objects.filter(account_sid=counts.account_sid).found().exists()


def _detect_in(whole: Scope, accounts: list[Scope]) -> Iterator[tuple[Scope, Detected]]:
    """Yield the problem of the whole service, or those of the accounts that have most of it."""
    found = [(scope, detected) for scope in accounts if (detected := _detect(scope))]
    foremost = max((scope.counts.late for scope in accounts), default=0)
    others = whole.counts.late - foremost
    spread = others >= min_affected() and foremost < MAIN_SHARE * whole.counts.late
    if (len(found) > 1 or spread) and (detected := _detect_in_all(whole, accounts)):
        yield whole, detected
        return
    yield from found


def _open_unless_resolved(scope: Scope, detected: Detected | None) -> None:
    earlier = Incident.objects.filter(cause__in=CAUSES)
    if scope.account_sid:
        earlier = earlier.filter(account_sid__in=["", scope.account_sid])
    if resolved_at := earlier.last_resolved_at(scope.period.since):
        # The media of a resolved incident must not open another.
        detected = _detect(scope.within(Period(resolved_at, scope.period.until)))
    if detected:
        cause, observation = detected
        Incident.open_or_update(cause, scope.account_sid, observation)


def _detect(scope: Scope) -> Detected | None:
    return _detect_early_404s(scope) or _detect_slow(scope)


def _detect_early_404s(scope: Scope) -> Detected | None:
    if scope.counts.late < min_affected():
        return None
    baseline = scope.baseline(early=True)
    if scope.counts.late < settings.ESCALATION_THRESHOLD and not _is_outbreak(scope, baseline):
        return None
    return Cause.EARLY_404S, _early_404s(scope, baseline)


def _is_outbreak(scope: Scope, baseline: float | None) -> bool:
    counts = scope.counts
    # One message can have ten late media, which is one case and not ten.
    if baseline is None or counts.webhooks_late < min_affected():
        return False
    if counts.late < OUTBREAK_FACTOR * baseline:
        return False
    # Ten times the traffic normally causes ten times the 404s.
    traffic = scope.baseline(early=False)
    growth = max(1.0, counts.media / traffic) if traffic else 1.0
    return counts.late >= OUTBREAK_FACTOR * baseline * growth


def _detect_slow(scope: Scope) -> Detected | None:
    if scope.counts.media < MIN_MEDIA or scope.counts.late < min_affected():
        return None
    if scope.counts.p95_s < SLOW_S:
        return None
    baseline = baseline_p95_s(scope.everything(), scope.period, PROPAGATED)
    if baseline is None or scope.counts.p95_s < SLOW_FACTOR * baseline:
        return None
    return Cause.SLOW_PROPAGATION, _slow_delays(scope, baseline)


def _detect_in_all(whole: Scope, accounts: list[Scope]) -> Detected | None:
    if detected := _detect_early_404s(whole):
        return detected
    # The p95 of all media is at most the largest p95 of the accounts.
    if max(scope.counts.p95_s for scope in accounts) < SLOW_S:
        return None
    # Counted again, because the sum of the accounts has no p95.
    return _detect_slow(whole.within(whole.period))


def _update_or_resolve(incident: Incident, scope: Scope) -> None:
    # What began as a delay has become dozens of 404s, which are better evidence.
    slow = incident.cause == Cause.SLOW_PROPAGATION
    detected = _detect_early_404s(scope) if slow else None
    if detected and not incident.escalate_to(*detected):
        return
    early = incident.cause == Cause.EARLY_404S
    if _is_rare_again(incident, scope) if early else _is_fast_again(incident, scope):
        incident.resolve()
        return
    observe = _early_404s if early else _slow_delays
    observation = observe(scope, incident.usual)
    Incident.open_or_update(Cause(incident.cause), scope.account_sid, observation)


def _is_rare_again(incident: Incident, scope: Scope) -> bool:
    """Return whether few media are late in the window, or hardly any towards its end."""
    if scope.counts.late <= RECOVERY_SHARE * opening_level(incident.usual):
        return True
    # The shorter part shows a recovery earlier; the longer one needs less traffic, as at night.
    for share in (0.25, 0.5):
        recent = count_media(scope.media(tail(scope.period, share)))
        expected = scope.counts.late_share * recent.media
        if expected >= MIN_EXPECTED and recent.late <= HARDLY_ANY * expected:
            return True
    return False


def _is_fast_again(incident: Incident, scope: Scope) -> bool:
    """Return whether much less than 5% of the media is slower than what opened the incident."""
    limit_s = max(SLOW_S, SLOW_FACTOR * (incident.usual or 0.0))
    slower = scope.media().filter(PROPAGATED, delay_at_least_s__gt=limit_s).count()
    return slower <= RECOVERY_SHARE * 0.05 * scope.counts.media


def _early_404s(scope: Scope, baseline: float | None) -> Observation:
    counts = scope.counts
    detail = f"{counts.late} of {counts.media} media had an early 404"
    detail += f"; the baseline for these hours is {baseline:g}." if baseline is not None else "."
    return Observation(counts.late, baseline, detail, scope.media().filter(LATE))


def _slow_delays(scope: Scope, baseline: float | None) -> Observation:
    counts = scope.counts
    detail = f"5% of {counts.media} media propagated in {counts.p95_s:.1f} s or more"
    if baseline is not None:
        detail += f"; the baseline for these hours is {baseline:.1f} s"
    return Observation(counts.p95_s, baseline, f"{detail}.", scope.media().filter(LATE))
