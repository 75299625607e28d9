"""The lab's estimate for a schedule agrees with a real run of the service on that schedule.

Two runs have different schedules, and new media with the same distribution of delays. The history
of each is replayed against both schedules; it must describe its own run and predict the other.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.script import MediaScript
from tests.support.service import Service, running

pytestmark = pytest.mark.services

MEDIA, RATE, MEAN_S = 120, 12.0, 3.0
# First delay, factor, longest delay and fast window, in seconds; without a slow phase.
SCHEDULES = {"doubling": (1.0, 2.0, 8.0, 18.0), "steady": (1.6, 1.0, 1.6, 18.0)}
# Prints the lab's figures for each schedule, from the history of the service.
ESTIMATES_SCRIPT = """
import json
from mediapipe.timing.retry_lab.comparison import compare
from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.policies import Policy
from mediapipe.models import MediaItem
schedules = json.loads({schedules!r})
others = [Policy(name, schedule=Schedule(*values)) for name, values in schedules.items()]
found = compare(MediaItem.objects.all(), others=others).results
figures = {{o.policy.name: o.estimate for o in found}}
print(json.dumps({{
    name: [figures[name].retrieved, figures[name].excess_mean_s, figures[name].requests]
    for name in schedules
}}))
"""


@dataclass(frozen=True)
class Run:
    """What the simulator saw of a run, with one entry per item, and what the lab estimates.

    `late_s` is how much later than scheduled this machine made the first retries, on average.
    `estimates` has, by schedule: share retrieved, mean excess wait (s), requests per media item.
    """

    requests: list[int]
    excess_s: list[float]
    late_s: float
    estimates: dict[str, tuple[float, float, float]]


def run(folder: Path, name: str) -> Run:
    first_s, factor, most_s, window_s = SCHEDULES[name]
    environment = {
        "RETRY_FIRST_DELAY": f"{first_s}s",
        "RETRY_FACTOR": f"{factor}",
        "RETRY_MAX_DELAY": f"{most_s}s",
        "RETRY_FAST_WINDOW": f"{window_s}s",
        "RETRY_SLOW_SCHEDULE": "",
        # Requests for metadata do not belong to the schedule.
        "METADATA_FROM_ATTEMPT": "0",
    }
    rng = random.Random(name)
    with running(folder, **environment) as service:
        scripts = [send(service, rng) for _ in range(MEDIA)]
        service.wait_until_settled(MEDIA, timeout_s=40)
        estimates = json.loads(
            service.manage(
                "shell", "-v0", "-c", ESTIMATES_SCRIPT.format(schedules=json.dumps(SCHEDULES))
            )
        )
        return Run(*observed(service, scripts), late_s(service, scripts, first_s), estimates)


def send(service: Service, rng: random.Random) -> MediaScript:
    """Send a picture; a third are available at once, the others after an exponential delay."""
    delay_s = 0.0 if rng.random() < 1 / 3 else rng.expovariate(1 / MEAN_S)
    webhook = payloads.mms(1, delay_s=delay_s, size=2000)
    assert service.twilio.send(webhook) == 200
    time.sleep(1 / RATE)
    return webhook.media[0]


def observed(service: Service, scripts: list[MediaScript]) -> tuple[list[int], list[float]]:
    """Return the number of requests per item, and the excess wait (s) of each item found."""
    requests, excess_s = [], []
    for script in scripts:
        asked = service.twilio.log.of(script.sid, "api")
        requests.append(len(asked))
        if asked[-1].status != 404:
            assert script.available_at is not None
            # An item that was available earlier could not be retrieved before the first request.
            possible = max(script.available_at, asked[0].at)
            excess_s.append((asked[-1].at - possible).total_seconds())
    return requests, excess_s


def late_s(service: Service, scripts: list[MediaScript], first_s: float) -> float:
    """Return by how many seconds, on average, the first retries came later than scheduled."""
    asked = [service.twilio.log.of(script.sid, "api")[:2] for script in scripts]
    waits_s = [(pair[1].at - pair[0].at).total_seconds() for pair in asked if len(pair) == 2]
    # Jitter of 15% that never shortens the first delay lengthens it by 3.75% on average.
    return max(0.0, fmean(waits_s) - 1.0375 * first_s)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return {name: run(tmp_path_factory.mktemp(name), name) for name in SCHEDULES}


@pytest.mark.parametrize("history", SCHEDULES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_estimates_of_the_lab_match_what_the_simulator_recorded(
    runs: dict[str, Run], history: str, schedule: str
) -> None:
    seen = runs[schedule]
    retrieved, excess_s, requests = runs[history].estimates[schedule]
    # Three standard errors: of one sample for its own run, of a difference of two for the other.
    # How late this machine was with its retries, which no schedule knows, is added.
    errors = 3 * (1 if history == schedule else sqrt(2)) / sqrt(MEDIA)
    late_s = max(runs[history].late_s, seen.late_s)
    share = len(seen.excess_s) / MEDIA
    assert retrieved == pytest.approx(share, abs=0.04)
    assert excess_s == pytest.approx(
        fmean(seen.excess_s), abs=errors * stdev(seen.excess_s) + late_s
    )
    assert requests == pytest.approx(
        fmean(seen.requests), abs=errors * stdev(seen.requests) + late_s / SCHEDULES[schedule][0]
    )
