"""Retry strategies for media that is not available yet: this service's and those in use elsewhere.

The delays come from the real code: Celery's own backoff function, and this service's schedule.
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
# The longest on RabbitMQ in tests/faults/test_takeover.py. The others lose the item: they
# acknowledge a message before they run its task, as Celery does by default, or have no message.
TAKEOVER_S = 5.0
# Celery's own defaults.
BACKOFF_MAX_S, MAX_RETRIES = 600, 3


@dataclass
class Item:
    """One simulated media item; times are seconds since the beginning of the trace.

    `bad` are the failures that it meets once available, before the media; the last one first.
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
        """Make a request; return whether the response is the media."""
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
        """When it can be fetched; infinite if it never becomes available."""
        return self.arrives_s + self.delay_s


@dataclass(frozen=True)
class RetryDelay:
    """How long until the next attempt."""

    delay_s: float


@dataclass(frozen=True)
class Strategy:
    """One retry strategy. `sleeps`: while it waits it occupies a worker, or a web thread.

    An item that a killed worker held is attempted again after `takes_over_s`; None: it is lost.
    """

    name: str
    wait: Callable[[Item, float], RetryDelay | None]
    sleeps: bool = False
    in_webhook: bool = False
    takes_over_s: float | None = None

    @property
    def max_concurrent(self) -> int:
        """How many items can be processed concurrently."""
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


def ours_with_factor(factor: float) -> Callable[[Item, float], RetryDelay | None]:
    """Return `ours` with this RETRY_FACTOR in place of the default, 2."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        with override_settings(RETRY_FACTOR=factor):
            return ours(item, now_s)

    return wait


def fixed(*waits_s: float) -> Callable[[Item, float], RetryDelay | None]:
    """Return a strategy that waits these seconds, one after each attempt, and then gives up."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        number = item.requests - 1
        return RetryDelay(waits_s[number]) if number < len(waits_s) else None

    return wait


def celery(max_retries: int | None) -> Callable[[Item, float], RetryDelay | None]:
    """Return the strategy of a task with `retry_backoff=True`, with Celery's full jitter."""

    def wait(item: Item, now_s: float) -> RetryDelay | None:
        retries = item.requests - 1
        # Media that never comes would be requested for ever; here until this service gives up too.
        over = now_s - item.first_s > LONGEST_S if max_retries is None else retries >= max_retries
        if over:
            return None
        return RetryDelay(
            get_exponential_backoff_interval(1, min(retries, 64), BACKOFF_MAX_S, True)
        )

    return wait


STRATEGIES = (
    Strategy("this service", ours, takes_over_s=TAKEOVER_S),
    Strategy("this service, `RETRY_FACTOR=1.6`", ours_with_factor(1.6), takes_over_s=TAKEOVER_S),
    Strategy("no retry (Twilio's sample)", fixed(), in_webhook=True),
    Strategy("1 + 3 s, sleeping in the task", fixed(1, 3), sleeps=True),
    Strategy("1/2/4/8 s, sleeping in the task", fixed(1, 2, 4, 8), sleeps=True),
    Strategy("45 x 1 s within the webhook", fixed(*[1] * 45), sleeps=True, in_webhook=True),
    Strategy("Celery, retry_backoff=True", celery(MAX_RETRIES)),
    Strategy("Celery, the same for two days", celery(None)),
)
