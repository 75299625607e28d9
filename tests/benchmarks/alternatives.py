"""What is done elsewhere about media that is not there yet, and what we do, as waits and workers.

Where a library decides, its own function is asked: Celery's for Celery, the schedule for us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from celery.utils.time import get_exponential_backoff_interval
from django.test import override_settings

from mediapipe.failures import TransientFailure, TransientMedia404
from mediapipe.fetching.schedule import Schedule
from mediapipe.models.status import Phase

WORKERS = 16
WEB_THREADS = 8
LONGEST_S = 2 * 86400
# The longest on RabbitMQ in tests/faults/test_takeover.py. The others acknowledge a message before
# they run its task, as Celery does by default, or have no message.
TAKEOVER_S = 5.0
# Celery's own defaults.
BACKOFF_MAX_S, MAX_RETRIES = 600, 3


@dataclass
class Item:
    """One media item on its way: seconds since the beginning of the trace, and what was spent.

    `bad` are the answers that it gets once it is available, before the media; the last one first.
    """

    arrives_s: float
    delay_s: float
    bad: list[TransientFailure] = field(default_factory=list)
    requests: int = 0
    first_s: float = 0.0
    found_s: float | None = None
    failure: TransientFailure = field(default_factory=TransientMedia404, compare=False)
    fast_retries: Counter[str] = field(default_factory=Counter)
    slow_retries: int = 0

    def ask(self, now_s: float) -> bool:
        """Make a request; return whether the answer is the media."""
        self.requests += 1
        if now_s < self.available_s:
            self.failure = TransientMedia404()
            return False
        if self.bad:
            self.failure = self.bad.pop()
            return False
        return True

    @property
    def available_s(self) -> float:
        """When it can be fetched; infinite if it never comes."""
        return self.arrives_s + self.delay_s


@dataclass(frozen=True)
class RetryDelay:
    """How long until the next attempt."""

    delay_s: float


@dataclass(frozen=True)
class Way:
    """One way to deal with it. `sleeps`: whoever waits holds a worker, or a thread of the web.

    `takes_over_s` is when what a killed worker held is attempted again; None if it is lost.
    """

    name: str
    wait: Callable[[Item, float], RetryDelay | None]
    sleeps: bool = False
    in_webhook: bool = False
    takes_over_s: float | None = None

    @property
    def hands(self) -> int:
        """How many items can be at work at once."""
        return WEB_THREADS if self.in_webhook else WORKERS


def ours(item: Item, now_s: float) -> RetryDelay | None:
    """Ask the schedule, as the row of the item would."""
    wait = Schedule.from_settings().next_delay(
        item.failure,
        fast_retries=item.fast_retries[item.failure.cause],
        slow_retries=item.slow_retries,
        elapsed_s=now_s - item.first_s,
    )
    if wait is None:
        return None
    item.fast_retries[item.failure.cause] += wait.phase == Phase.FAST
    item.slow_retries += wait.phase == Phase.SLOW
    return RetryDelay(wait.delay_s)


def ours_by(factor: float) -> Callable[[Item, float], RetryDelay | None]:
    """Return what we do where RETRY_FACTOR is set, which is 2 where it is not."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        with override_settings(RETRY_FACTOR=factor):
            return ours(item, now_s)

    return wait


def fixed(*waits_s: float) -> Callable[[Item, float], RetryDelay | None]:
    """Return a function that waits so long after each attempt, and then gives up."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        number = item.requests - 1
        return RetryDelay(waits_s[number]) if number < len(waits_s) else None

    return wait


def celery(max_retries: int | None) -> Callable[[Item, float], RetryDelay | None]:
    """Return what a task with `retry_backoff=True` does, with Celery's full jitter."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        retries = item.requests - 1
        # What never comes would be asked for without end; here it is as long as we ask.
        over = now_s - item.first_s > LONGEST_S if max_retries is None else retries >= max_retries
        if over:
            return None
        return RetryDelay(
            get_exponential_backoff_interval(1, min(retries, 64), BACKOFF_MAX_S, True)
        )

    return wait


WAYS = (
    Way("this service", ours, takes_over_s=TAKEOVER_S),
    Way("this service, `RETRY_FACTOR=1.6`", ours_by(1.6), takes_over_s=TAKEOVER_S),
    Way("no retry (Twilio's sample)", fixed(), in_webhook=True),
    Way("1 + 3 s, sleeping in the task", fixed(1, 3), sleeps=True),
    Way("1/2/4/8 s, sleeping in the task", fixed(1, 2, 4, 8), sleeps=True),
    Way("45 x 1 s within the webhook", fixed(*[1] * 45), sleeps=True, in_webhook=True),
    Way("Celery, retry_backoff=True", celery(MAX_RETRIES)),
    Way("Celery, the same for two days", celery(None)),
)
