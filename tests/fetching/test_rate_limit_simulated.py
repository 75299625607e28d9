"""A simulated minute of an account whose rate is limited: the real code, on a simulated clock."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    """Answers 429 where `refuses` says so, for the second after NOON and the number in it."""

    refuses: Callable[[float, int], bool]
    available_s: dict[int, float] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    requests: int = 0
    stored_s: dict[int, float] = field(default_factory=dict)

    def retrieve(self, media: MediaItem, evidence: Evidence) -> None:
        """Respond as of now, in place of `attempt.retrieve`."""
        now_s = (datetime.now(UTC) - NOON).total_seconds()
        self.requests += 1
        self.asked[int(now_s)] = self.asked.get(int(now_s), 0) + 1
        if self.refuses(now_s, self.asked[int(now_s)]):
            evidence.http_status = 429
            raise RateLimited
        if now_s < self.available_s[media.pk]:
            evidence.http_status = 404
            raise TransientMedia404
        evidence.http_status = 200
        media.mark_stored(evidence, BODY, content_type="image/jpeg", storage_name=str(media.pk))
        self.stored_s[media.pk] = now_s


def play(
    monkeypatch: pytest.MonkeyPatch,
    twilio: Twilio,
    delays_s: list[float],
    per_s: float,
    until_s: float,
) -> None:
    """Announce media at this rate, and let messages and the dispatcher take their course."""
    monkeypatch.setattr(attempt_module, "retrieve", twilio.retrieve)
    random.seed(7)
    order = itertools.count()
    events: list[tuple[float, int, int | float | None]] = []

    def push(at_s: float, what: int | float | None) -> None:
        heapq.heappush(events, (at_s, next(order), what))

    for number, delay_s in enumerate(delays_s):
        push(number / per_s, number / per_s + delay_s)
    for run in range(int(until_s / INTERVAL_S)):
        push(run * INTERVAL_S + 2.5, None)
    with time_machine.travel(NOON, tick=False) as clock:
        while events and events[0][0] <= until_s:
            at_s, _, what = heapq.heappop(events)
            clock.move_to(NOON + timedelta(seconds=at_s))
            if isinstance(what, float):
                item = make.media(at=datetime.now(UTC))
                twilio.available_s[item.pk] = what
                push(at_s, item.pk)
            elif what is None:
                for pk, due in MediaItem.objects.claim_due(1000, timedelta(seconds=10)).items():
                    push(max(at_s, (due - NOON).total_seconds()), pk)
            elif (countdown_s := run_task(what)) is not None:
                push(at_s + countdown_s, what)


def run_task(pk: int) -> float | None:
    """Do what the task does; return after how many seconds its message comes back."""
    try:
        claimed = MediaItem.claim(pk)
    except AccountBusy:
        return None
    if claimed is None:
        return None
    return attempt_module.attempt(claimed, countdown_allowed=lambda: True).countdown_s


def five_a_second_for_a_minute(now_s: float, number: int) -> bool:
    return now_s < 60 and number > 5


def test_a_backlog_drains_at_the_rate_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    twilio = Twilio(five_a_second_for_a_minute)
    play(monkeypatch, twilio, [0.0] * 400, per_s=10, until_s=100)
    assert not MediaItem.objects.exclude(status=Status.STORED)
    within = [at_s for at_s in twilio.stored_s.values() if at_s < 60]
    assert len(within) >= 0.9 * 5 * 60
    sent = sum(count for second, count in twilio.asked.items() if second < 60)
    assert sent <= 1.3 * len(within)
    assert max(twilio.stored_s.values()) < 60 + 25


def test_a_limit_that_lasts_an_hour_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.models.accounts.LOWEST_RATE", 0.2)
    twilio = Twilio(lambda now_s, _: now_s < 3600)
    play(monkeypatch, twilio, [0.0] * 10, per_s=100, until_s=3700)
    assert not MediaItem.objects.exclude(status=Status.STORED)


def mean_excess_s(monkeypatch: pytest.MonkeyPatch, share: float) -> float:
    rng = random.Random(1)
    twilio = Twilio(lambda *_: rng.random() < share)
    draws = random.Random(2)
    ranges_s = draws.choices([(0, 0), (0, 5), (5, 60)], [70, 25, 5], k=200)
    delays_s = [draws.uniform(*range_s) for range_s in ranges_s]
    play(monkeypatch, twilio, delays_s, per_s=20, until_s=300)
    waits = [at_s - twilio.available_s[pk] for pk, at_s in twilio.stored_s.items()]
    assert len(waits) == len(delays_s)
    return sum(waits) / len(waits)


def test_one_429_in_twenty_hardly_delays_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mean_excess_s(monkeypatch, 0.05) <= 1.3 * mean_excess_s(monkeypatch, 0.0)
