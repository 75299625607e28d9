"""The figures of a policy, compared with closed forms and with the service's own schedule."""

from __future__ import annotations

import random

import numpy as np
import pytest
from pytest_django import Settings

from mediapipe.failures import TransientMedia404
from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.estimate import estimate_distribution
from mediapipe.timing.retry_lab.intervals import EDGES_S, to_intervals
from mediapipe.timing.retry_lab.policies import KNOWN, Policy, duration
from mediapipe.timing.retry_lab.replay import estimate_figures, evaluate

EVERY_SECOND = Policy("every second", (1.0,) * 200)


def exponential(mean_s: float) -> np.ndarray:
    below = 1 - np.exp(-EDGES_S / mean_s)
    return np.concatenate([[0.0], np.diff(below), [1 - below[-1]]])


def uniform(most_s: float) -> np.ndarray:
    below = np.minimum(EDGES_S / most_s, 1)
    return np.concatenate([[0.0], np.diff(below), [0.0]])


@pytest.mark.parametrize("mean_s", [0.5, 2.0, 10.0])
def test_equal_waits_match_the_closed_form_for_an_exponential_delay(mean_s: float) -> None:
    figures = estimate_figures(EVERY_SECOND, exponential(mean_s), 0.0)
    retries = 1 / (1 - np.exp(-1 / mean_s))
    assert figures.requests == pytest.approx(1 + retries, rel=0.01)
    assert figures.excess_mean_s == pytest.approx(retries - mean_s, rel=0.03)
    assert figures.retrieved == pytest.approx(1, abs=1e-6)


def test_equal_waits_match_the_closed_form_for_a_uniform_delay() -> None:
    figures = estimate_figures(EVERY_SECOND, uniform(10.0), 0.0)
    assert figures.requests == pytest.approx(1 + 5.5, rel=0.01)
    assert figures.excess_mean_s == pytest.approx(0.5, rel=0.03)
    assert figures.excess_p95_s == pytest.approx(0.95, rel=0.03)


def test_a_policy_that_gives_up_retrieves_only_media_available_by_then() -> None:
    chatwoot = KNOWN[0]
    figures = estimate_figures(chatwoot, uniform(10.0), 0.0)
    assert figures.retrieved == pytest.approx(0.4, rel=0.02)
    # Media that came within 1 s take two requests; all others take three, found or not.
    assert figures.requests == pytest.approx(0.1 * 2 + 0.9 * 3, rel=0.01)


def test_media_available_at_once_costs_one_request_and_no_wait() -> None:
    at_once = np.zeros(len(EDGES_S) + 1)
    at_once[0] = 1
    figures = estimate_figures(EVERY_SECOND, at_once, 0.0)
    assert (figures.retrieved, figures.excess_mean_s, figures.requests) == (1, 0, 1)


def test_media_that_never_becomes_available_costs_every_request() -> None:
    never = np.zeros(len(EDGES_S) + 1)
    never[-1] = 1
    figures = estimate_figures(KNOWN[1], never, 0.0)
    assert (figures.retrieved, figures.requests) == (0, 5)


def test_the_response_time_of_a_404_lengthens_the_waits() -> None:
    figures = estimate_figures(EVERY_SECOND, uniform(10.0), 0.25)
    assert figures.requests == pytest.approx(1 + 10 / 1.25 / 2 + 0.5, rel=0.01)


def test_waits_and_requests_are_bounded_by_the_interval_of_the_delay() -> None:
    # Available between 1.5 and 3.5 s, requested at 1, 2, 3, 4 s: found at once or up to 1 s late.
    known = to_intervals([(0.0, 1.5, 3.5, 1)], 0.0, 1)
    found = evaluate(EVERY_SECOND, estimate_distribution(known), known)
    assert found.best.excess_mean_s == 0
    assert found.worst.excess_mean_s == pytest.approx(1.0)
    assert (found.best.requests, found.worst.requests) == (3, 5)


def test_a_delay_between_two_requests_has_wait_bounds_above_zero() -> None:
    known = to_intervals([(0.0, 1.2, 1.6, 1)], 0.0, 1)
    found = evaluate(EVERY_SECOND, estimate_distribution(known), known)
    assert found.best.excess_mean_s == pytest.approx(0.4, abs=0.04)
    assert found.worst.excess_mean_s == pytest.approx(0.8, abs=0.04)
    assert found.best.excess_mean_s < found.estimate.excess_mean_s < found.worst.excess_mean_s


def test_the_retrieved_share_is_bounded_by_media_that_is_still_awaited() -> None:
    known = to_intervals([(0.0, 0.0, 0.5, 0), (0.0, 3.0, None, 1)], 0.0, 2)
    found = evaluate(KNOWN[0], estimate_distribution(known), known)
    assert (found.worst.retrieved, found.best.retrieved) == (0.5, 1.0)


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0])
def test_the_replayed_schedule_retries_when_the_service_would(
    settings: Settings, factor: float
) -> None:
    settings.RETRY_FACTOR = factor
    ours = Policy("ours", schedule=Schedule.from_settings()).retries_s(400, response_s=0.2)
    random.seed(3)
    served = [service_retry_times(response_s=0.2) for _ in range(400)]
    counts = {len(asked) for asked in served}
    assert {int(np.isfinite(row).sum()) for row in ours} <= set(range(min(counts), max(counts) + 2))
    for retry in range(min(counts)):
        middle = np.mean([asked[retry] for asked in served])
        # The tolerance is four standard errors of the difference of two means of 400.
        spread = np.std([asked[retry] for asked in served]) * np.sqrt(2 / 400)
        assert ours[:, retry].mean() == pytest.approx(middle, abs=4 * spread)


def service_retry_times(response_s: float) -> list[float]:
    """Return when the service retries media that never comes (seconds after the first attempt)."""
    asked: list[float] = []
    fast = slow = 0
    now_s = response_s
    while wait := Schedule.from_settings().next_delay(
        TransientMedia404(), fast_retries=fast, slow_retries=slow, elapsed_s=now_s
    ):
        fast, slow = fast + (wait.phase == "fast"), slow + (wait.phase == "slow")
        asked.append(now_s + wait.delay_s)
        now_s = asked[-1] + response_s
    return asked


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5s"), (60, "60s"), (90, "90s"), (300, "5m"), (3600, "1h"), (86400, "24h")],
)
def test_a_duration_is_written_in_the_format_of_the_environment(seconds: float, text: str) -> None:
    assert duration(seconds) == text
