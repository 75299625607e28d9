from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from mediapipe.failures import (
    AccountRefused,
    AddressRefused,
    ConnectionFailed,
    Failure,
    FinalFailure,
    Gone,
    RateLimited,
    RecordingSilent,
    RecordingTooShort,
    TooLarge,
    TooSlow,
    TransientFailure,
    TransientMedia404,
    TwilioError,
    Unauthorized,
)
from mediapipe.fetching.schedule import RetryDelay, Schedule
from mediapipe.management.seed_history.arrivals import Arrival
from mediapipe.models.status import Phase
from mediapipe.providers.base import AnnouncedMedia, Kind

LATE_SHARE, OUTBREAK_LATE_SHARE = 0.38, 0.75
LATE_MEDIAN_S, OUTBREAK_MEDIAN_S = 3.0, 25.0
# Sigma of the log-normal distribution: the slowest 1% take at least twenty times the median.
LATE_SPREAD = 1.3
VIDEO_IS_SLOWER = 2.0
NEVER_SHARE, OUTBREAK_NEVER_SHARE = 0.001, 0.01
LAG_MEDIAN_S, LAG_SPREAD = 0.12, 0.6
BACKLOG_LAG_S = (20.0, 900.0)
RESPONSE_MEDIAN_S = 0.25
# The longest time between an attempt's due time and its claim.
MAX_LATENESS_S = 0.1
DOWNLOAD_MEDIAN_S = 0.045
# Failures that are final at the first attempt, per thousand items.
FINAL: tuple[tuple[type[Failure], float], ...] = (
    (AddressRefused, 0.3),
    (Gone, 0.8),
    (TooLarge, 0.9),
    (Unauthorized, 1.2),
)
# Failures that do not recur at the next attempt, per thousand items.
PASSING: tuple[tuple[type[Failure], float], ...] = (
    (ConnectionFailed, 1.5),
    (RateLimited, 2.5),
    (TooSlow, 1.0),
    (TwilioError, 4.0),
)
# Per thousand recordings.
ABSENT: tuple[tuple[type[Failure], float], ...] = (
    (RecordingSilent, 6.0),
    (RecordingTooShort, 10.0),
)
# HTTP status and Twilio code of the response, if any.
RESPONSES: dict[type[Failure], tuple[int | None, int | None]] = {
    AccountRefused: (401, 20003),
    AddressRefused: (None, None),
    ConnectionFailed: (None, None),
    Gone: (410, 20410),
    RateLimited: (429, 20429),
    TooLarge: (200, None),
    TooSlow: (None, None),
    TransientMedia404: (404, 20404),
    TwilioError: (503, 20500),
    Unauthorized: (401, 20003),
}


@dataclass(slots=True)
class MadeUpAttempt:
    """One attempt; `started_s` counts from the webhook, and `failure` is None for success.

    `delay` is the delay before the next attempt, None if there is none; `ended` is False if the
    attempt is still running at the end of the history.
    """

    started_s: float
    duration_s: float
    phase: Phase
    failure: type[Failure] | None
    delay: RetryDelay | None = None
    ended: bool = True


@dataclass(slots=True)
class MadeUpOutcome:
    """The attempts in order, the download time in seconds, and why the file is absent, if it is."""

    attempts: list[MadeUpAttempt] = field(default_factory=list)
    download_s: float = 0.0
    absence: type[Failure] | None = None


def outcome_of(
    media: AnnouncedMedia, arrival: Arrival, *, lasts_s: float, rng: Random
) -> MadeUpOutcome:
    """Return what happens to the item within `lasts_s` seconds after its webhook."""
    outcome = MadeUpOutcome(download_s=rng.lognormvariate(math.log(DOWNLOAD_MEDIAN_S), 1.0))
    if arrival.message.kind == Kind.RECORDING:
        outcome.absence = _draw(ABSENT, rng)
    if arrival.refused and not outcome.absence:
        outcome.attempts = _refused_attempts(lasts_s, rng)
    elif not outcome.absence:
        available_s = _available_s(media, arrival, rng)
        disruption = _draw(FINAL, rng) or _draw(PASSING, rng)
        _run_attempts(outcome, _queue_lag_s(arrival, rng), available_s, disruption, lasts_s, rng)
    return outcome


def _refused_attempts(lasts_s: float, rng: Random) -> list[MadeUpAttempt]:
    """Return the one attempt after which the item waits for the credentials of its account."""
    started_s = rng.lognormvariate(math.log(LAG_MEDIAN_S), LAG_SPREAD)
    if started_s + RESPONSE_MEDIAN_S >= lasts_s:
        return []
    delay = RetryDelay(Phase.SLOW, lasts_s - started_s, consumes_retry=False)
    return [MadeUpAttempt(started_s, RESPONSE_MEDIAN_S, Phase.FAST, AccountRefused, delay)]


def _run_attempts(
    outcome: MadeUpOutcome,
    started_s: float,
    available_s: float,
    disruption: type[Failure] | None,
    lasts_s: float,
    rng: Random,
) -> None:
    schedule = Schedule.from_settings()
    phase, first_s = Phase.FAST, started_s
    fast, slow = Counter[str](), 0
    while started_s < lasts_s:
        failure, disruption = (
            (TransientMedia404, disruption) if started_s < available_s else (disruption, None)
        )
        duration_s = rng.lognormvariate(math.log(RESPONSE_MEDIAN_S), 0.5)
        duration_s += 0 if failure else outcome.download_s
        attempt = MadeUpAttempt(started_s, duration_s, phase, failure)
        outcome.attempts.append(attempt)
        ended_s = started_s + duration_s
        attempt.ended = ended_s < lasts_s
        if not attempt.ended or failure is None or issubclass(failure, FinalFailure):
            return
        assert issubclass(failure, TransientFailure)  # noqa: S101  (a final one returned above)
        cause = failure().cause
        attempt.delay = delay = schedule.next_delay(
            failure(),
            fast_retries=fast[cause],
            slow_retries=slow,
            elapsed_s=ended_s - first_s,
            rng=rng,
        )
        if delay is None:
            return
        phase = delay.phase
        fast[cause] += delay.consumes_retry and phase == Phase.FAST
        slow += delay.consumes_retry and phase == Phase.SLOW
        started_s = ended_s + delay.delay_s + rng.uniform(0.0, MAX_LATENESS_S)


def _available_s(media: AnnouncedMedia, arrival: Arrival, rng: Random) -> float:
    """Return the propagation delay in seconds: 0 for most, infinite for a few."""
    never, late, median_s = NEVER_SHARE, LATE_SHARE, LATE_MEDIAN_S
    if arrival.outbreak:
        never, late, median_s = OUTBREAK_NEVER_SHARE, OUTBREAK_LATE_SHARE, OUTBREAK_MEDIAN_S
    if rng.random() < never:
        return math.inf
    if rng.random() > late:
        return 0.0
    slower = VIDEO_IS_SLOWER if media.declared_content_type.startswith("video/") else 1.0
    return slower * rng.lognormvariate(math.log(median_s), LATE_SPREAD)


def _queue_lag_s(arrival: Arrival, rng: Random) -> float:
    lag_s = rng.lognormvariate(math.log(LAG_MEDIAN_S), LAG_SPREAD)
    return lag_s + (rng.uniform(*BACKLOG_LAG_S) if arrival.backlog else 0.0)


def _draw(shares: tuple[tuple[type[Failure], float], ...], rng: Random) -> type[Failure] | None:
    left = rng.random() * 1000
    for failure, share in shares:
        left -= share
        if left < 0:
            return failure
    return None
