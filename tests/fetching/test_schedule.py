from __future__ import annotations

import random

import pytest
from pytest_django import Settings

from mediapipe.failures import RateLimited, StorageFailed, TransientFailure, TransientMedia404
from mediapipe.fetching.schedule import (
    JITTER,
    LOCAL_FAILURE_DELAY_S,
    RetryDelay,
    Schedule,
)
from mediapipe.models.status import Phase


def wait_after(
    failure: TransientFailure | None = None, fast: int = 0, slow: int = 0, elapsed_s: float = 0
) -> RetryDelay | None:
    return Schedule.from_settings().next_delay(
        failure or TransientMedia404(), fast_retries=fast, slow_retries=slow, elapsed_s=elapsed_s
    )


def fast_delay_s(retries: int) -> float:
    return Schedule.from_settings().fast_delay_s(retries)


def test_the_countdown_doubles_from_one_second_to_the_cap() -> None:
    expected = [1, 2, 4, 8, 16, 32, 60, 60]
    for retries, middle in enumerate(expected):
        low, high = max(1, middle * (1 - JITTER)), middle * (1 + JITTER)
        assert low <= fast_delay_s(retries) <= high


def test_the_countdown_grows_by_the_configured_factor(settings: Settings) -> None:
    settings.RETRY_FACTOR = 1.5
    for retries, middle in enumerate([1, 1.5, 2.25, 3.375]):
        assert fast_delay_s(retries) <= middle * (1 + JITTER)
        assert fast_delay_s(retries) >= max(1, middle * (1 - JITTER))


def test_the_first_retry_is_never_earlier_than_the_first_delay() -> None:
    assert min(fast_delay_s(0) for _ in range(1000)) >= 1


def test_jitter_spreads_the_retries_of_a_burst() -> None:
    random.seed(7)
    delays = [fast_delay_s(3) for _ in range(1000)]
    assert max(delays) - min(delays) > 8 * JITTER


def fast_attempts() -> list[float]:
    """Return the times of a fast phase's attempts, in seconds after the first."""
    made = [0.0]
    while (wait := wait_after(fast=len(made) - 1, elapsed_s=made[-1])) and wait.phase == Phase.FAST:
        made.append(made[-1] + wait.delay_s)
    return made


def test_about_ten_attempts_fit_into_the_fast_window() -> None:
    attempts = fast_attempts()
    assert 9 <= len(attempts) <= 12
    assert attempts[-1] <= 300


def test_the_last_attempt_of_the_fast_phase_is_at_its_end() -> None:
    random.seed(7)
    waits = [wait_after(fast=8, elapsed_s=260) for _ in range(1000)]
    assert {wait.phase for wait in waits if wait} == {Phase.FAST}
    delays = [wait.delay_s for wait in waits if wait]
    assert 40 * (1 - JITTER) <= min(delays) < 35
    assert 39 < max(delays) <= 40


def test_the_slow_phase_begins_when_little_of_the_fast_phase_is_left() -> None:
    wait = wait_after(fast=8, elapsed_s=290)
    assert wait is not None
    assert wait.phase == Phase.SLOW


def test_the_fast_phase_leaves_no_gap_before_its_end() -> None:
    random.seed(7)
    assert min(fast_attempts()[-1] for _ in range(1000)) > 275


def test_a_delay_is_shortened_only_once_and_never_below_the_first_delay() -> None:
    random.seed(7)
    for _ in range(1000):
        attempts = fast_attempts()
        assert attempts[-1] - attempts[-2] > 12
    almost_over = wait_after(fast=0, elapsed_s=299.5)
    assert almost_over is not None
    assert almost_over.phase == Phase.SLOW


def test_the_slow_phase_follows_its_list_and_then_ends() -> None:
    steps = [wait_after(fast=9, slow=slow, elapsed_s=10**6) for slow in range(8)]
    hours = [10 / 60, 0.5, 1, 3, 6, 12, 24]
    for step, expected in zip(steps[:7], hours, strict=True):
        assert step is not None
        assert step.phase == Phase.SLOW
        assert step.delay_s == pytest.approx(expected * 3600, rel=JITTER)
    assert steps[7] is None


def test_retries_end_after_the_fast_window_if_the_slow_schedule_is_empty(
    settings: Settings,
) -> None:
    settings.RETRY_SLOW_SCHEDULE_S = ()
    assert wait_after(fast=9, elapsed_s=400) is None


def test_retry_after_is_honoured() -> None:
    wait = wait_after(RateLimited(retry_after_s=5))
    assert wait is not None
    assert wait.delay_s == 5


def test_a_retry_after_shorter_than_the_schedule_does_not_shorten_the_delay() -> None:
    wait = wait_after(RateLimited(retry_after_s=0), fast=3)
    assert wait is not None
    assert wait.delay_s >= 8 * (1 - JITTER)


def test_retry_after_of_thirty_thousand_years_is_bounded() -> None:
    wait = wait_after(RateLimited(retry_after_s=999_999_999_999))
    assert wait is not None
    assert wait.delay_s <= 300


def test_local_failures_never_use_up_the_schedule() -> None:
    wait = wait_after(StorageFailed(), fast=99, slow=99, elapsed_s=10**9)
    assert wait is not None
    assert not wait.consumes_retry
    assert wait.delay_s == pytest.approx(LOCAL_FAILURE_DELAY_S, rel=JITTER)


def test_thousands_of_retries_do_not_overflow_the_delay() -> None:
    assert fast_delay_s(5000) <= 60 * (1 + JITTER)
