"""A simulated minute of an account whose rate is limited: the real code, on a simulated clock."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine

from mediapipe.failures import AccountBusy, RateLimited, TransientMedia404
from mediapipe.fetching import attempt as attempt_module
from mediapipe.models import MediaItem, Status
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INTERVAL_S = 5
BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


@dataclass
class Twilio:
    """Responds 429 if `refuses(seconds after NOON, number of the request in that second)`.

    A response takes `latency_s` seconds; its status is decided when the request arrives.
    """

    refuses: Callable[[float, int], bool]
    latency_s: float = 0.0
    available_s: dict[int, float] = field(default_factory=dict)
    requests_in_second: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    stored_s: dict[int, float] = field(default_factory=dict)
    clock_s: float = 0.0

    def request(self, media: MediaItem) -> None:
        """Decide the response to a request for a media item."""
        now_s = since_noon_s()
        self.requests_in_second[int(now_s)] = self.requests_in_second.get(int(now_s), 0) + 1
        refused = self.refuses(now_s, self.requests_in_second[int(now_s)])
        found = now_s >= self.available_s[media.pk]
        self.statuses[media.pk] = 429 if refused else 200 if found else 404

    def retrieve(self, media: MediaItem, evidence: Evidence) -> None:
        """Respond to the request, in place of `attempt.retrieve`."""
        evidence.http_status = self.statuses[media.pk]
        evidence.duration_s = self.latency_s
        if evidence.http_status != 200:
            raise RateLimited if evidence.http_status == 429 else TransientMedia404
        media.mark_stored(evidence, BODY, content_type="image/jpeg", storage_name=str(media.pk))
        self.stored_s[media.pk] = since_noon_s()

    def monotonic(self) -> float:
        """Return a time that advances by the latency on each call, so attempts take that long."""
        self.clock_s += self.latency_s
        return self.clock_s


def since_noon_s() -> float:
    return (datetime.now(UTC) - NOON).total_seconds()


@dataclass
class Simulation:
    """Announces media, and runs the messages' tasks and the dispatcher when they are due."""

    twilio: Twilio
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=itertools.count)

    def at(self, at_s: float, action: Callable[[], None]) -> None:
        """Do something at this second after NOON."""
        heapq.heappush(self.events, (at_s, next(self.order), action))

    def run(self, until_s: float) -> None:
        with time_machine.travel(NOON, tick=False) as clock:
            while self.events and self.events[0][0] <= until_s:
                at_s, _, action = heapq.heappop(self.events)
                clock.move_to(NOON + timedelta(seconds=at_s))
                action()

    def announce(self, available_s: float) -> None:
        item = make.media(at=datetime.now(UTC))
        self.twilio.available_s[item.pk] = available_s
        self.start(item.pk)

    def dispatch(self) -> None:
        for pk, due in MediaItem.objects.claim_due(1000, timedelta(seconds=10)).items():
            self.at(max(since_noon_s(), (due - NOON).total_seconds()), partial(self.start, pk))

    def start(self, pk: int) -> None:
        """Do what the task does until its request is sent."""
        try:
            claimed = MediaItem.claim(pk)
        except AccountBusy as busy:
            self.schedule_next(pk, busy.retry_after_s)
            return
        if claimed:
            self.twilio.request(claimed)
            self.at(since_noon_s() + self.twilio.latency_s, partial(self.finish, claimed))

    def finish(self, claimed: MediaItem) -> None:
        """Do what the task does from the response on."""
        outcome = attempt_module.attempt(claimed, countdown_allowed=lambda: True)
        self.schedule_next(claimed.pk, outcome.countdown_s)

    def schedule_next(self, pk: int, countdown_s: float | None) -> None:
        if countdown_s is not None:
            self.at(since_noon_s() + countdown_s, partial(self.start, pk))


def simulate(
    monkeypatch: pytest.MonkeyPatch,
    twilio: Twilio,
    delays_s: list[float],
    per_s: float,
    until_s: float,
) -> None:
    """Announce `per_s` media per second, each available after its delay; run until `until_s`."""
    monkeypatch.setattr(attempt_module, "retrieve", twilio.retrieve)
    monkeypatch.setattr(attempt_module, "time", twilio)
    random.seed(7)
    simulation = Simulation(twilio)
    for number, delay_s in enumerate(delays_s):
        at_s = number / per_s
        simulation.at(at_s, partial(simulation.announce, at_s + delay_s))
    for run in range(int(until_s / INTERVAL_S)):
        simulation.at(run * INTERVAL_S + 2.5, simulation.dispatch)
    simulation.run(until_s)


def five_a_second_for_a_minute(now_s: float, number: int) -> bool:
    return now_s < 60 and number > 5


@pytest.mark.parametrize("latency_s", [0.0, 0.3, 1.5])
def test_a_backlog_drains_at_the_allowed_rate(
    monkeypatch: pytest.MonkeyPatch, latency_s: float
) -> None:
    twilio = Twilio(five_a_second_for_a_minute, latency_s)
    simulate(monkeypatch, twilio, [0.0] * 400, per_s=10, until_s=100)
    assert not MediaItem.objects.exclude(status=Status.STORED)
    within = [at_s for at_s in twilio.stored_s.values() if at_s < 60]
    assert len(within) >= 0.9 * 5 * 60
    sent = sum(count for second, count in twilio.requests_in_second.items() if second < 60)
    assert sent <= 1.3 * len(within)
    assert max(twilio.stored_s.values()) < 60 + 25


def test_a_rate_limit_that_lasts_an_hour_does_not_fail_any_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediapipe.models.accounts.LOWEST_RATE", 0.2)
    twilio = Twilio(lambda now_s, _: now_s < 3600)
    simulate(monkeypatch, twilio, [0.0] * 10, per_s=100, until_s=3700)
    assert not MediaItem.objects.exclude(status=Status.STORED)


def mean_excess_s(monkeypatch: pytest.MonkeyPatch, share: float) -> float:
    rng = random.Random(1)
    twilio = Twilio(lambda *_: rng.random() < share)
    draws = random.Random(2)
    ranges_s = draws.choices([(0, 0), (0, 5), (5, 60)], [70, 25, 5], k=200)
    delays_s = [draws.uniform(*range_s) for range_s in ranges_s]
    simulate(monkeypatch, twilio, delays_s, per_s=20, until_s=300)
    waits = [at_s - twilio.available_s[pk] for pk, at_s in twilio.stored_s.items()]
    assert len(waits) == len(delays_s)
    return sum(waits) / len(waits)


def test_one_429_in_twenty_requests_hardly_delays_media(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mean_excess_s(monkeypatch, 0.05) <= 1.3 * mean_excess_s(monkeypatch, 0.0)
