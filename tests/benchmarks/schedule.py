"""Replays simulated delays for many values of first delay, factor and cap; prints the best first.

The delays: the ordinary mix, the same with one to three failures for 30% of the media once they
are available, and the ordinary day and the worst hours of the generated history. Each figure is
the mean over several seeds. The schedule is the real one.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from statistics import fmean
from typing import TypeAlias

import django
from rich.console import Console

django.setup()

from mediapipe.failures import (  # noqa: E402  (needs Django's settings)
    BodyTruncated,
    ConnectionFailed,
    RateLimited,
    TransientFailure,
    TransientMedia404,
    TwilioError,
)
from mediapipe.fetching.schedule import Schedule  # noqa: E402
from mediapipe.management.seed_history import outcomes  # noqa: E402
from mediapipe.models.status import Phase  # noqa: E402

BAD = (TwilioError(), RateLimited(), BodyTruncated(), ConnectionFailed())
ANSWER_S = 0.25
MEDIA, SEEDS = 2000, 5
FIRST_S, FACTORS, CAPS_S = (1.0, 1.25, 1.5, 1.75), (1.4, 1.6, 1.7, 1.8, 2.0), (45.0, 60.0, 90.0)
MOST_ORDINARY = 2.0
Media: TypeAlias = tuple[float, list[TransientFailure]]


def ordinary(rng: random.Random) -> Media:
    """Return a delay: none for 70%, up to 5 s for 25%, 5 to 60 s for 5%; no bad responses."""
    low_s, high_s = rng.choices([(0, 0), (0, 5), (5, 60)], [70, 25, 5])[0]
    return rng.uniform(low_s, high_s), []


def with_bad_answers(rng: random.Random) -> Media:
    delay_s, _ = ordinary(rng)
    return delay_s, rng.choices(BAD, k=rng.randint(1, 3)) if rng.random() < 0.3 else []


def ordinary_day(rng: random.Random) -> Media:
    shares = (outcomes.NEVER_SHARE, outcomes.LATE_SHARE)
    return from_history(rng, outcomes.LATE_MEDIAN_S, *shares)


def worst_hours(rng: random.Random) -> Media:
    shares = (outcomes.OUTBREAK_NEVER_SHARE, outcomes.OUTBREAK_LATE_SHARE)
    return from_history(rng, outcomes.OUTBREAK_MEDIAN_S, *shares)


def from_history(rng: random.Random, median_s: float, never: float, late: float) -> Media:
    delay_s = rng.lognormvariate(math.log(median_s), outcomes.LATE_SPREAD)
    draw = rng.random()
    return math.inf if draw < never else delay_s if draw < late else 0.0, []


def attempts(schedule: Schedule, media: Media, rng: random.Random) -> tuple[int, float | None]:
    """Return the number of requests, and the excess wait in seconds if the file was retrieved."""
    available_s, bad = media[0], [*media[1]]
    at_s, requests, slow, fast = 0.0, 0, 0, Counter[str]()
    while True:
        requests += 1
        failure = TransientMedia404() if at_s < available_s else bad.pop() if bad else None
        if failure is None:
            return requests, at_s - available_s
        at_s += ANSWER_S
        delay = schedule.next_delay(
            failure,
            fast_retries=fast[failure.cause],
            slow_retries=slow,
            elapsed_s=at_s,
            rng=rng,
        )
        if delay is None:
            return requests, None
        fast[failure.cause] += delay.phase == Phase.FAST
        slow += delay.phase == Phase.SLOW
        at_s += delay.delay_s


def figures(schedule: Schedule, mix: Callable[[random.Random], Media]) -> tuple[float, float]:
    """Return the mean excess wait in seconds, and the requests per media item."""
    played = []
    for seed in range(SEEDS):
        draws, rng = random.Random(f"media {seed}"), random.Random(f"jitter {seed}")
        played += [attempts(schedule, mix(draws), rng) for _ in range(MEDIA)]
    return fmean(s for _, s in played if s is not None), fmean(n for n, _ in played)


def main() -> None:
    """Print today's schedule, then the others, the shortest wait first, too many requests last."""
    today = Schedule.from_settings()
    mixes = (ordinary, with_bad_answers, ordinary_day, worst_hours)
    of_today = [figures(today, mix) for mix in mixes]
    rows = []
    for first_s, factor, cap_s in product(FIRST_S, FACTORS, CAPS_S):
        schedule = replace(today, first_delay_s=first_s, factor=factor, max_delay_s=cap_s)
        measured = [figures(schedule, mix) for mix in mixes]
        allowed = measured[0][1] <= MOST_ORDINARY and measured[3][1] <= of_today[3][1]
        wait_s = sum(cell[0] for cell in measured[:3])
        rows.append((not allowed, wait_s, schedule, measured))
    rows.sort(key=lambda row: row[:2])
    console = Console(width=120)
    console.print(
        "first, factor, cap | ordinary: wait s, requests | bad answers | day | worst hours"
    )
    for excluded, _, schedule, measured in [(False, 0.0, today, of_today), *rows]:
        name = f"{schedule.first_delay_s:g} x {schedule.factor:g}, {schedule.max_delay_s:g}"
        cells = " | ".join(f"{wait_s:.2f}, {requests:.2f}" for wait_s, requests in measured)
        console.print(f"{name} | {cells}{' (too many requests)' if excluded else ''}")


if __name__ == "__main__":
    main()
