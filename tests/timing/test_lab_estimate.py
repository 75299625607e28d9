"""The estimated distribution of delays known only as intervals, compared with closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from mediapipe.timing.retry_lab.estimate import SMOOTHING, estimate_distribution
from mediapipe.timing.retry_lab.intervals import (
    CELLS,
    EDGES_S,
    DelayIntervals,
    to_intervals,
)


def delay_intervals(*intervals: tuple[int, int, float]) -> DelayIntervals:
    """Return delays from (first cell, last cell, weight)."""
    first, last, weights = zip(*intervals, strict=True)
    return DelayIntervals(
        np.array(first), np.array(last), np.array(weights, dtype=float), 0.0, 1, 1
    )


def cdf(share: np.ndarray, seconds: float) -> float:
    """Return the probability of a delay up to this many seconds."""
    return float(share[: np.searchsorted(EDGES_S, seconds) + 1].sum())


def test_intervals_that_do_not_overlap_get_their_own_share() -> None:
    share = estimate_distribution(
        delay_intervals((0, 0, 6), (1, 2, 3), (3, 4, 1)), cells=5, smoothing=0
    )
    assert share[0] == pytest.approx(0.6)
    assert share[1:3].sum() == pytest.approx(0.3)
    assert share[3:].sum() == pytest.approx(0.1)


def test_censored_delays_are_distributed_as_by_kaplan_and_meier() -> None:
    # One of four arrives at 1; one is censored after 1; one of two arrives at 2; the last later.
    share = estimate_distribution(
        delay_intervals((1, 1, 1), (2, 3, 1), (2, 2, 1), (3, 3, 1)), cells=4, smoothing=0
    )
    assert share == pytest.approx([0, 1 / 4, 3 / 4 * 1 / 2, 3 / 4 * 1 / 2], abs=1e-5)


def test_media_that_never_became_available_is_in_the_last_cell() -> None:
    share = estimate_distribution(delay_intervals((0, 0, 9), (4, 4, 1)), cells=5, smoothing=0)
    assert share == pytest.approx([0.9, 0, 0, 0, 0.1])


def test_the_estimate_without_data_is_zero_everywhere() -> None:
    empty = to_intervals([], 0.0, 0)
    assert estimate_distribution(empty).sum() == 0


def test_a_short_delay_is_likelier_within_an_interval_without_other_evidence() -> None:
    share = estimate_distribution(to_intervals([(0.0, 1.0, 8.0, 1)], 0.0, 1))
    assert cdf(share, 4.0) - cdf(share, 1.0) > cdf(share, 8.0) - cdf(share, 4.0)


def test_an_exponential_delay_is_recovered_from_intermittent_requests() -> None:
    rng = np.random.default_rng(5)
    count, mean_s = 20_000, 2.0
    late_s = rng.exponential(mean_s, count)
    asked_s = np.cumsum(rng.uniform(0.5, 1.5, (count, 60)), axis=1)
    place = (asked_s < late_s[:, None]).sum(axis=1)
    rows = [
        (0.0, asked[k - 1] if k else 0.0, asked[k], int(k) + 1)
        for asked, k in zip(asked_s, place, strict=True)
    ]
    share = estimate_distribution(to_intervals(rows, 0.0, count))
    for seconds in (0.7, 1.0, 2.0, 4.0, 6.0):
        # The error falls with the cube root of the count: 20 000 ** (-1/3) is 0.037.
        assert cdf(share, seconds) == pytest.approx(1 - np.exp(-seconds / mean_s), abs=0.037)
    assert len(share) == CELLS


def test_smoothing_more_than_halves_the_squared_error_for_few_delays() -> None:
    # The share within the 15% jitter of the first retry, where the raw estimate concentrates.
    truth = np.exp(-1.0 / 3) - np.exp(-1.15 / 3)
    errors: dict[int, list[float]] = {0: [], SMOOTHING: []}
    for seed in range(8):
        known = few_delays(np.random.default_rng(seed))
        for smoothing, found in errors.items():
            share = estimate_distribution(known, smoothing=smoothing)
            found.append((cdf(share, 1.15) - cdf(share, 1.0) - truth) ** 2)
    assert np.mean(errors[SMOOTHING]) < np.mean(errors[0]) / 2


def few_delays(rng: np.random.Generator) -> DelayIntervals:
    """Return a hundred exponential delays as a doubling schedule sees them."""
    rows = []
    for late_s in rng.exponential(3.0, 100):
        asked_s = np.cumsum(np.array([1, 2, 4, 8, 16]) * rng.uniform(1, 1.15, 5))
        k = int((asked_s < late_s).sum())
        before_s, after_s = asked_s[k - 1] if k else 0.0, asked_s[k] if k < 5 else None
        rows.append((0.0, before_s, after_s, k + 1))
    return to_intervals(rows, 0.0, len(rows))


def test_one_request_ends_an_interval_and_begins_the_next_at_the_same_edge() -> None:
    known = to_intervals([(0.0, 0.0, 1.033, 1), (0.0, 1.033, 2.5, 2)], 0.0, 2)
    assert sorted(zip(known.first, known.last, strict=True)) == [
        (1, known.first.max() - 1),
        (known.first.max(), known.last.max()),
    ]
