from __future__ import annotations

import random

import pytest
from pytest_django import Settings

from mediapipe.failures import RateLimited, StorageFailed, TransientFailure, TransientMedia404
from mediapipe.schedule import OUR_FAULT_DELAY_S, SPREAD, Phase, Wait, fast_delay_s, next_wait


def wait_after(
    failure: TransientFailure | None = None, fast: int = 0, slow: int = 0, elapsed_s: float = 0
) -> Wait | None:
    return next_wait(
        failure or TransientMedia404(), fast_retries=fast, slow_retries=slow, elapsed_s=elapsed_s
    )


def test_the_countdown_doubles_from_one_second_to_the_cap() -> None:
    expected = [1, 2, 4, 8, 16, 32, 60, 60]
    for retries, middle in enumerate(expected):
        low, high = max(1, middle * (1 - SPREAD)), middle * (1 + SPREAD)
        assert low <= fast_delay_s(retries) <= high


def test_another_factor_makes_another_countdown(settings: Settings) -> None:
    settings.RETRY_FACTOR = 1.5
    for retries, middle in enumerate([1, 1.5, 2.25, 3.375]):
        assert fast_delay_s(retries) <= middle * (1 + SPREAD)
        assert fast_delay_s(retries) >= max(1, middle * (1 - SPREAD))


def test_the_first_retry_never_comes_before_the_first_delay() -> None:
    assert min(fast_delay_s(0) for _ in range(1000)) >= 1


def test_a_burst_does_not_come_back_as_one() -> None:
    random.seed(7)
    delays = [fast_delay_s(3) for _ in range(1000)]
    assert max(delays) - min(delays) > 8 * SPREAD


def test_ten_attempts_fit_into_the_fast_window() -> None:
    elapsed_s, retries = 0.0, 0
    while (wait := wait_after(fast=retries, elapsed_s=elapsed_s)) and wait.phase == Phase.FAST:
        elapsed_s, retries = elapsed_s + wait.delay_s, retries + 1
    assert 8 <= retries <= 11
    assert elapsed_s <= 300


def test_the_slow_phase_follows_its_list_and_then_ends() -> None:
    steps = [wait_after(fast=9, slow=slow, elapsed_s=10**6) for slow in range(8)]
    hours = [10 / 60, 0.5, 1, 3, 6, 12, 24]
    for step, expected in zip(steps[:7], hours, strict=True):
        assert step is not None
        assert step.phase == Phase.SLOW
        assert step.delay_s == pytest.approx(expected * 3600, rel=SPREAD)
    assert steps[7] is None


def test_an_empty_slow_schedule_ends_after_the_fast_window(settings: Settings) -> None:
    settings.RETRY_SLOW_SCHEDULE_S = ()
    assert wait_after(fast=9, elapsed_s=400) is None


def test_retry_after_is_honoured() -> None:
    wait = wait_after(RateLimited(retry_after_s=5))
    assert wait is not None
    assert wait.delay_s == 5


def test_retry_after_shorter_than_the_schedule_does_not_hurry_it() -> None:
    wait = wait_after(RateLimited(retry_after_s=0), fast=3)
    assert wait is not None
    assert wait.delay_s >= 8 * (1 - SPREAD)


def test_retry_after_of_thirty_thousand_years_is_bounded() -> None:
    wait = wait_after(RateLimited(retry_after_s=999_999_999_999))
    assert wait is not None
    assert wait.delay_s <= 300


def test_trouble_of_ours_never_uses_the_schedule_up() -> None:
    wait = wait_after(StorageFailed(), fast=99, slow=99, elapsed_s=10**9)
    assert wait is not None
    assert not wait.counts
    assert wait.delay_s == pytest.approx(OUR_FAULT_DELAY_S, rel=SPREAD)


def test_a_thousand_retries_do_not_overflow() -> None:
    assert fast_delay_s(5000) <= 60 * (1 + SPREAD)
