"""What became of one media item, attempt by attempt, on the schedule that the service keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from mediapipe.failures import (
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
# How far the late ones spread: the slowest of a hundred takes some twenty times the median.
LATE_SPREAD = 1.3
VIDEO_IS_SLOWER = 2.0
NEVER_SHARE, OUTBREAK_NEVER_SHARE = 0.001, 0.01
LAG_MEDIAN_S, LAG_SPREAD = 0.12, 0.6
JAM_LAG_S = (20.0, 900.0)
ANSWER_MEDIAN_S = 0.25
# An item is claimed so long after its time, at the most.
LATENESS_S = 0.1
BYTES_PER_S = 4e6
SIZE_MEDIAN = 180_000
# Failures that end an item at its first attempt, and how many in a thousand they are.
FINAL: tuple[tuple[type[Failure], float], ...] = (
    (AddressRefused, 0.3),
    (Gone, 0.8),
    (TooLarge, 0.9),
    (Unauthorized, 1.2),
)
# Failures that are over at the next attempt.
PASSING: tuple[tuple[type[Failure], float], ...] = (
    (ConnectionFailed, 1.5),
    (RateLimited, 2.5),
    (TooSlow, 1.0),
    (TwilioError, 4.0),
)
ABSENT: tuple[tuple[type[Failure], float], ...] = (
    (RecordingSilent, 6.0),
    (RecordingTooShort, 10.0),
)
ANSWERS = {
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
class Try:
    """One attempt: seconds after the webhook, seconds long, and how it failed if it did.

    `wait` is what the schedule said then; `failure` is None for success, and `ended` tells
    whether it is over by the end of the history.
    """

    started_s: float
    duration_s: float
    phase: Phase
    failure: type[Failure] | None
    wait: RetryDelay | None = None
    ended: bool = True


@dataclass(slots=True)
class Fate:
    """Every attempt in order, the size of the file, and why there never was one, if so."""

    tries: list[Try] = field(default_factory=list)
    size: int = 0
    absence: type[Failure] | None = None


def fate_of(media: AnnouncedMedia, arrival: Arrival, *, lasts_s: float, rng: Random) -> Fate:
    """Return what happens to the item within so many seconds after its webhook."""
    fate = Fate(size=1 + int(rng.lognormvariate(math.log(SIZE_MEDIAN), 1.0)))
    if arrival.message.kind == Kind.RECORDING:
        fate.absence = _drawn(ABSENT, rng)
    if not fate.absence:
        available_s = _available_s(media, arrival, rng)
        trouble = _drawn(FINAL, rng) or _drawn(PASSING, rng)
        _try_until_it_ends(fate, _lag_s(arrival, rng), available_s, trouble, lasts_s, rng)
    return fate


def _try_until_it_ends(
    fate: Fate,
    started_s: float,
    available_s: float,
    trouble: type[Failure] | None,
    lasts_s: float,
    rng: Random,
) -> None:
    schedule = Schedule.from_settings()
    phase, retries, first_s = Phase.FAST, {Phase.FAST: 0, Phase.SLOW: 0}, started_s
    while started_s < lasts_s:
        failure, trouble = (
            (TransientMedia404, trouble) if started_s < available_s else (trouble, None)
        )
        duration_s = rng.lognormvariate(math.log(ANSWER_MEDIAN_S), 0.5)
        duration_s += 0 if failure else fate.size / BYTES_PER_S
        attempt = Try(started_s, duration_s, phase, failure)
        fate.tries.append(attempt)
        ended_s = started_s + duration_s
        attempt.ended = ended_s < lasts_s
        if not attempt.ended or failure is None or issubclass(failure, FinalFailure):
            return
        assert issubclass(failure, TransientFailure)  # noqa: S101  (a final one has ended before)
        attempt.wait = wait = schedule.next_delay(
            failure(),
            fast_retries=retries[Phase.FAST],
            slow_retries=retries[Phase.SLOW],
            elapsed_s=ended_s - first_s,
            rng=rng,
        )
        if wait is None:
            return
        phase = wait.phase
        retries[phase] += wait.consumes_retry
        started_s = ended_s + wait.delay_s + rng.uniform(0.0, LATENESS_S)


def _available_s(media: AnnouncedMedia, arrival: Arrival, rng: Random) -> float:
    """Return how long after the webhook Twilio has the media: 0 for most, infinity for a few."""
    never, late, median_s = NEVER_SHARE, LATE_SHARE, LATE_MEDIAN_S
    if arrival.outbreak:
        never, late, median_s = OUTBREAK_NEVER_SHARE, OUTBREAK_LATE_SHARE, OUTBREAK_MEDIAN_S
    if rng.random() < never:
        return math.inf
    if rng.random() > late:
        return 0.0
    slower = VIDEO_IS_SLOWER if media.declared_content_type.startswith("video/") else 1.0
    return slower * rng.lognormvariate(math.log(median_s), LATE_SPREAD)


def _lag_s(arrival: Arrival, rng: Random) -> float:
    lag_s = rng.lognormvariate(math.log(LAG_MEDIAN_S), LAG_SPREAD)
    return lag_s + (rng.uniform(*JAM_LAG_S) if arrival.jam else 0.0)


def _drawn(shares: tuple[tuple[type[Failure], float], ...], rng: Random) -> type[Failure] | None:
    left = rng.random() * 1000
    for failure, share in shares:
        left -= share
        if left < 0:
            return failure
    return None
