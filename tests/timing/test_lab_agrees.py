"""What the lab says of a schedule is what a real run of the service under that schedule shows.

Two runs, each under a schedule of its own, on fresh media of the same distribution. The history
of each is replayed against both schedules: it must tell its own run, and foretell the other one.
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
# Prints the lab's figures of each schedule for the history of the service it runs in.
ASK = """
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
    """What the simulator saw of a run, an entry a media item, and what the lab says of it all.

    `late_s` is how much later than planned this machine made the first retries, on average.
    `told` has share retrieved, mean excess wait (s) and requests a media item by schedule.
    """

    requests: list[int]
    excess_s: list[float]
    late_s: float
    told: dict[str, tuple[float, float, float]]


def run(folder: Path, name: str) -> Run:
    first_s, factor, most_s, window_s = SCHEDULES[name]
    environment = {
        "RETRY_FIRST_DELAY": f"{first_s}s",
        "RETRY_FACTOR": f"{factor}",
        "RETRY_MAX_DELAY": f"{most_s}s",
        "RETRY_FAST_WINDOW": f"{window_s}s",
        "RETRY_SLOW_SCHEDULE": "",
        # Requests for the metadata are not the schedule's.
        "METADATA_FROM_ATTEMPT": "0",
    }
    rng = random.Random(name)
    with running(folder, **environment) as service:
        scripts = [send(service, rng) for _ in range(MEDIA)]
        service.wait_until_settled(MEDIA, timeout_s=40)
        told = json.loads(
            service.manage("shell", "-v0", "-c", ASK.format(schedules=json.dumps(SCHEDULES)))
        )
        return Run(*observed(service, scripts), late_s(service, scripts, first_s), told)


def send(service: Service, rng: random.Random) -> MediaScript:
    """Send a picture: of three one is there at once, the others exponentially late."""
    delay_s = 0.0 if rng.random() < 1 / 3 else rng.expovariate(1 / MEAN_S)
    webhook = payloads.mms(1, delay_s=delay_s, size=2000)
    assert service.twilio.send(webhook) == 200
    time.sleep(1 / RATE)
    return webhook.media[0]


def observed(service: Service, scripts: list[MediaScript]) -> tuple[list[int], list[float]]:
    """Return the requests for each media item, and how late the one was that found it."""
    requests, excess_s = [], []
    for script in scripts:
        asked = service.twilio.log.of(script.sid, "api")
        requests.append(len(asked))
        if asked[-1].status != 404:
            assert script.available_at is not None
            # What was there before the first request could not be had any sooner.
            possible = max(script.available_at, asked[0].at)
            excess_s.append((asked[-1].at - possible).total_seconds())
    return requests, excess_s


def late_s(service: Service, scripts: list[MediaScript], first_s: float) -> float:
    """Return by how much the first retries came later than the schedule says."""
    asked = [service.twilio.log.of(script.sid, "api")[:2] for script in scripts]
    waits_s = [(pair[1].at - pair[0].at).total_seconds() for pair in asked if len(pair) == 2]
    # A spread of 15 % that never shortens the first delay makes it longer by 3.75 % on average.
    return max(0.0, fmean(waits_s) - 1.0375 * first_s)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return {name: run(tmp_path_factory.mktemp(name), name) for name in SCHEDULES}


@pytest.mark.parametrize("history", SCHEDULES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_lab_tells_what_the_simulator_saw(
    runs: dict[str, Run], history: str, schedule: str
) -> None:
    seen = runs[schedule]
    retrieved, excess_s, requests = runs[history].told[schedule]
    # Three standard errors: of one sample if it is told from itself, else of the difference of
    # two. To that comes what no schedule says, how late this machine was with its retries.
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
