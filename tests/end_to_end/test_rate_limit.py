"""A Twilio that allows five requests per second, and several worker processes, over real HTTP.

RATE_LIMIT_S=60 runs it for a minute.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mediapipe.operations import programs
from mediapipe.settings.queues import HOUSEKEEPING, MEDIA, RETRIES
from mediapipe.simulator import payloads
from mediapipe.simulator.faults import Fault
from mediapipe.simulator.wire import Wire
from tests.support import servers
from tests.support.service import Service, running
from tests.support.tables import Table

pytestmark = [pytest.mark.services, pytest.mark.slow]

SECONDS = float(os.environ.get("RATE_LIMIT_S", "20"))
ALLOWED_PER_S = 5
WORKERS = [programs.worker(name) for name in (MEDIA, f"{MEDIA}-2", RETRIES, HOUSEKEEPING)]
TABLE = Table("rate limit", ("items", "requests per allowed one", "s until drained", "s at best"))


@dataclass
class Limiter:
    """Limits and counts the requests per second."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    requests_by_second: dict[int, int] = field(default_factory=dict)
    allowed_at: list[float] = field(default_factory=list)

    def allows(self) -> bool:
        now_s = time.monotonic()
        with self.lock:
            self.requests_by_second[int(now_s)] = self.requests_by_second.get(int(now_s), 0) + 1
            allowed = self.requests_by_second[int(now_s)] <= ALLOWED_PER_S
            if allowed:
                self.allowed_at.append(now_s)
            return allowed


@dataclass(frozen=True, kw_only=True)
class Limited(Fault):
    """The normal response, or 429 beyond what the limiter allows."""

    limiter: Limiter
    forever: bool = True

    def play(self, wire: Wire) -> None:
        if self.limiter.allows():
            wire.serve_normally()
        else:
            wire.fail(429)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with (
        servers.postgresql() as database_url,
        servers.rabbitmq() as broker_url,
        running(tmp_path, WORKERS, DATABASE_URL=database_url, CELERY_BROKER_URL=broker_url) as live,
    ):
        yield live


def test_a_backlog_drains_at_the_rate_that_twilio_allows(service: Service) -> None:
    limiter = Limiter()
    items = int(SECONDS * ALLOWED_PER_S)
    for _ in range(items):
        webhook = payloads.mms(1, faults=[Limited(limiter=limiter)])
        assert service.twilio.send(webhook) == 200
        # Webhooks arrive at twice the allowed rate.
        time.sleep(1 / (2 * ALLOWED_PER_S))
    lines = service.wait_until_settled(items, timeout_s=4 * SECONDS + 60)
    assert {line["status"] for line in lines} == {"stored"}
    requests = sum(limiter.requests_by_second.values()) / len(limiter.allowed_at)
    took_s = limiter.allowed_at[-1] - limiter.allowed_at[0]
    TABLE.add(str(items), f"{requests:.2f}", f"{took_s:.0f}", f"{SECONDS:.0f}")
    assert requests <= 1.3
    # Finding the rate takes a few seconds, more on a busy machine.
    assert took_s <= 1.25 * SECONDS + 8
