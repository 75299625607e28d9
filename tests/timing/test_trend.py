"""A figure counts as worse or better than before only if the intervals show it."""

from __future__ import annotations

from math import inf

import pytest

from mediapipe.models.delay_bins import bin_above, bin_below
from mediapipe.timing.tally import AT_LEAST, AT_MOST, LAG, Tally
from mediapipe.timing.trend import Figure, Trend, delay_figure, lag_figure, share_figure

P95 = 1


def delays(*intervals: tuple[float, float, int]) -> Tally:
    """Return the tally of this many delays between two bounds, in seconds."""
    counts: dict[int, int] = {}
    for least_s, most_s, number in intervals:
        for lane in (AT_LEAST + bin_below(least_s), AT_MOST + bin_above(most_s)):
            counts[lane] = counts.get(lane, 0) + number
    return Tally.of(counts)


def lags(*values: tuple[float, int]) -> Tally:
    return Tally.of({LAG + bin_above(lag_s): number for lag_s, number in values})


def trend(new: Tally, old: Tally) -> Trend:
    return delay_figure(new, P95).trend(delay_figure(old, P95))


def test_intervals_that_do_not_overlap_are_worse_or_better() -> None:
    slow, fast = delays((16, 52, 100)), delays((8, 14, 100))
    assert trend(slow, fast) == Trend.WORSE
    assert trend(fast, slow) == Trend.BETTER


def test_intervals_that_overlap_show_no_clear_change() -> None:
    assert trend(delays((10, 52, 100)), delays((8, 14, 100))) == Trend.UNCLEAR


def test_an_unbounded_delay_is_worse_only_if_its_lower_bound_exceeds_the_other() -> None:
    assert trend(delays((70, inf, 100)), delays((8, 14, 100))) == Trend.WORSE
    assert trend(delays((8, 14, 100)), delays((1, inf, 100))) == Trend.UNCLEAR


@pytest.mark.parametrize(("items", "expected"), [(19, Trend.TOO_FEW), (20, Trend.WORSE)])
def test_fewer_than_20_items_are_too_few(items: int, expected: Trend) -> None:
    assert trend(delays((16, 52, items)), delays((8, 14, 100))) == expected
    assert trend(delays((16, 52, 100)), delays((8, 14, items))) == expected


def test_a_difference_that_chance_explains_is_unclear() -> None:
    # 4 or 6 of 100 are slow, so the p95 is 1 s or 60 s, but the difference may be chance.
    new, old = lags((1, 94), (60, 6)), lags((1, 96), (60, 4))
    assert lag_figure(new, P95).trend(lag_figure(old, P95)) == Trend.UNCLEAR


def test_the_same_difference_among_many_items_is_worse() -> None:
    new, old = lags((1, 94_000), (60, 6000)), lags((1, 96_000), (60, 4000))
    assert lag_figure(new, P95).trend(lag_figure(old, P95)) == Trend.WORSE


def test_a_change_of_a_few_percent_is_unclear_however_certain() -> None:
    new, old = lags((0.38, 1_000_000)), lags((0.36, 1_000_000))
    assert lag_figure(new, P95).trend(lag_figure(old, P95)) == Trend.UNCLEAR


def test_a_share_has_the_confidence_interval_of_its_sample() -> None:
    # The Wilson interval for 50 of 100, from published tables.
    figure = share_figure(50, 100)
    assert (round(figure.least, 3), round(figure.most, 3)) == (0.404, 0.596)
    assert share_figure(60, 100).trend(figure) == Trend.UNCLEAR
    assert share_figure(80, 100).trend(figure) == Trend.WORSE
    assert share_figure(0, 100).trend(figure) == Trend.BETTER


def test_an_empty_tally_has_too_few_items_for_a_trend() -> None:
    nothing = Tally()
    assert delay_figure(nothing, P95).trend(delay_figure(nothing, P95)) == Trend.TOO_FEW
    assert share_figure(0, 0) == Figure(0.0, 1.0, 0)
