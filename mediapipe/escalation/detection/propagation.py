"""Twilio's propagation: dozens of early 404s, ten times the usual, or a delay that grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from mediapipe.escalation.detection.baseline import usual_count, usual_p95_s
from mediapipe.escalation.detection.counts import (
    LATE,
    PROPAGATED,
    Counts,
    ending,
    received,
    together,
    total,
)
from mediapipe.escalation.detection.levels import OUTBREAK, OVER, least, level
from mediapipe.models import Cause, Incident, MediaItem, Observation
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import Period

# Two signs of one trouble: as long as there is an incident for one, the other one is no news.
CAUSES = (Cause.EARLY_404S, Cause.SLOW_PROPAGATION)
# Slower than this, and so many times slower than usual, is a drift, if enough media tell so.
SLOW_S = 5.0
SLOWER = 3
ENOUGH_MEDIA = 100
# An account that has so much of the trouble has the trouble, and not the whole service.
MOST = 0.8
# Where so many late media were to be expected lately and a quarter of them came, it is over:
# by chance that happens once in hundreds of times.
ENOUGH_EXPECTED = 12
HARDLY_ANY = 0.25

Trouble = tuple[Cause, Observation]


@dataclass(frozen=True, slots=True)
class Scope:
    """One account; or, where `account_sid` is empty, all of them but those in `without`."""

    period: Period
    counts: Counts
    account_sid: str = ""
    without: tuple[str, ...] = ()

    def everything(self) -> MediaQuerySet:
        """Return all media of these accounts, of any time."""
        if self.account_sid:
            return MediaItem.objects.filter(account_sid=self.account_sid)
        return MediaItem.objects.exclude(account_sid__in=self.without)

    def media(self, period: Period | None = None) -> MediaQuerySet:
        """Return those that came in within the period."""
        found = received(period or self.period, self.account_sid)
        return found.exclude(account_sid__in=self.without) if self.without else found

    def within(self, period: Period) -> Scope:
        """Return the same accounts in another period."""
        return Scope(period, together(self.media(period)), self.account_sid, self.without)


def check(period: Period, accounts: dict[str, Counts]) -> None:
    """Open, continue and end the incidents of slow propagation, of each account and overall."""
    ongoing = {i.account_sid: i for i in Incident.objects.ongoing().filter(cause__in=CAUSES)}
    # Where nothing was ever found it is the credentials, and not the propagation.
    known = {sid: counts for sid, counts in accounts.items() if _is_known(counts)}
    others = {sid: counts for sid, counts in known.items() if sid not in ongoing}
    without = tuple(sorted(accounts.keys() - others.keys()))
    whole = Scope(period, total(others.values()), without=without)
    for sid, incident in ongoing.items():
        scope = Scope(period, known.get(sid, Counts()), sid) if sid else whole.within(period)
        _go_on(incident, scope)
    if "" not in ongoing:
        scopes = [Scope(period, counts, sid) for sid, counts in others.items()]
        for scope, trouble in _troubles(whole, scopes):
            _open_unless_settled(scope, trouble)


def _is_known(counts: Counts) -> bool:
    if counts.found or not counts.late:
        return True
    return MediaItem.objects.filter(account_sid=counts.account_sid).found().exists()


def _troubles(whole: Scope, accounts: list[Scope]) -> Iterator[tuple[Scope, Trouble]]:
    """Yield the trouble of the whole service, or of the one account that has most of it."""
    found = [(scope, trouble) for scope in accounts if (trouble := _trouble(scope))]
    foremost = max((scope.counts.late for scope in accounts), default=0)
    others = whole.counts.late - foremost
    if len(found) > 1 or (others >= least() and foremost < MOST * whole.counts.late):
        whole = whole.within(whole.period)
        if trouble := _trouble(whole):
            yield whole, trouble
            return
    yield from found


def _open_unless_settled(scope: Scope, trouble: Trouble | None) -> None:
    """Open an incident; what an earlier one has settled does not make another one."""
    earlier = Incident.objects.filter(cause__in=CAUSES)
    if scope.account_sid:
        earlier = earlier.filter(account_sid__in=["", scope.account_sid])
    if settled := earlier.last_resolved_at(scope.period.since):
        trouble = _trouble(scope.within(Period(settled, scope.period.until)))
    if trouble:
        cause, observation = trouble
        Incident.open_or_update(cause, scope.account_sid, observation)


def _trouble(scope: Scope) -> Trouble | None:
    """Return what is the matter with these accounts, or None while all is as usual."""
    return _many(scope) or _slow(scope)


def _many(scope: Scope) -> Trouble | None:
    if scope.counts.late < least():
        return None
    usual = usual_count(scope.everything(), scope.period, LATE)
    if scope.counts.late < settings.ESCALATION_THRESHOLD and not _is_outbreak(scope, usual):
        return None
    return Cause.EARLY_404S, _many_early_404s(scope, usual)


def _is_outbreak(scope: Scope, usual: float | None) -> bool:
    counts = scope.counts
    # One message can bring ten late media, which is one case and not ten.
    if usual is None or counts.webhooks_late < least() or counts.late < OUTBREAK * usual:
        return False
    # Ten times the traffic brings ten times the 404s, and nothing is wrong.
    traffic = usual_count(scope.everything(), scope.period, Q())
    growth = max(1.0, counts.media / traffic) if traffic else 1.0
    return counts.late >= OUTBREAK * usual * growth


def _slow(scope: Scope) -> Trouble | None:
    if scope.counts.media < ENOUGH_MEDIA or scope.counts.late < least():
        return None
    if scope.counts.p95_s < SLOW_S:
        return None
    usual = usual_p95_s(scope.everything(), scope.period, PROPAGATED)
    if usual is None or scope.counts.p95_s < SLOWER * usual:
        return None
    return Cause.SLOW_PROPAGATION, _slow_delays(scope, usual)


def _go_on(incident: Incident, scope: Scope) -> None:
    """Add what came since to an incident, or end it when it has fallen far enough."""
    # What began as a delay has become dozens of 404s, of which more is known.
    if incident.cause == Cause.SLOW_PROPAGATION and (trouble := _many(scope)):
        incident.escalate_to(*trouble)
    early = incident.cause == Cause.EARLY_404S
    if _few_again(incident, scope) if early else _fast_again(incident, scope):
        incident.resolve()
        return
    observation = _many_early_404s if early else _slow_delays
    Incident.open_or_update(
        Cause(incident.cause), scope.account_sid, observation(scope, incident.usual)
    )


def _few_again(incident: Incident, scope: Scope) -> bool:
    """Tell whether there are few late media in the window, or hardly any towards its end."""
    if scope.counts.late <= OVER * level(incident.usual):
        return True
    return any(_has_ceased(scope, ending(scope.period, share)) for share in (0.25, 0.5))


def _has_ceased(scope: Scope, lately: Period) -> bool:
    recent = together(scope.media(lately))
    expected = scope.counts.late_share * recent.media
    return expected >= ENOUGH_EXPECTED and recent.late <= HARDLY_ANY * expected


def _fast_again(incident: Incident, scope: Scope) -> bool:
    """Tell whether much less than 5 % of the media is slower than what opened the incident."""
    limit_s = max(SLOW_S, SLOWER * (incident.usual or 0.0))
    slower = scope.media().filter(PROPAGATED, delay_at_least_s__gt=limit_s).count()
    return slower <= OVER * 0.05 * scope.counts.media


def _many_early_404s(scope: Scope, usual: float | None) -> Observation:
    counts = scope.counts
    detail = f"{counts.late} of {counts.media} media had an early 404"
    detail += f"; usual are {usual:g} at these hours." if usual is not None else "."
    return Observation(counts.late, usual, detail, scope.media().filter(LATE))


def _slow_delays(scope: Scope, usual: float | None) -> Observation:
    counts = scope.counts
    detail = f"5 % of {counts.media} media propagated in {counts.p95_s:.1f} s or more"
    detail += f"; usual are {usual:.1f} s at these hours." if usual is not None else "."
    return Observation(counts.p95_s, usual, detail, scope.media().filter(LATE))
