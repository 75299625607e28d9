"""Axes of charts: where a value is drawn, and which values are labelled."""

from __future__ import annotations

import pytest

from mediapipe.timing.axes import MAX_TICKS, Axis, whole_decades


def test_a_linear_axis_places_its_ends_and_its_middle_evenly() -> None:
    axis = Axis(10.0, 30.0, 100.0, 200.0)
    assert [axis.at(value) for value in (10, 20, 30)] == [100, 150, 200]


def test_each_decade_of_a_logarithmic_axis_has_the_same_length() -> None:
    axis = Axis(0.1, 100.0, 400.0, 100.0, logarithmic=True)
    assert [axis.at(value) for value in (0.1, 1, 10, 100)] == [400, 300, 200, 100]


@pytest.mark.parametrize(
    ("high", "labels"),
    [
        (4, ["0", "1", "2", "3", "4"]),
        (12, ["0", "2", "4", "6", "8", "10", "12"]),
        (25, ["0", "5", "10", "15", "20", "25"]),
        (0.7, ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]),
        (4_500_000, ["0", "1,000,000", "2,000,000", "3,000,000", "4,000,000"]),
    ],
)
def test_a_linear_axis_labels_round_values(high: float, labels: list[str]) -> None:
    assert [label for _, label in Axis(0.0, high, 0.0, 100.0).ticks()] == labels


def test_a_short_logarithmic_axis_labels_parts_of_a_decade() -> None:
    axis = Axis(1.0, 100.0, 0.0, 100.0, logarithmic=True)
    assert [label for _, label in axis.ticks()] == ["1", "2", "5", "10", "20", "50", "100"]


def test_a_long_logarithmic_axis_labels_powers_of_ten() -> None:
    axis = Axis(0.01, 100_000.0, 0.0, 100.0, logarithmic=True)
    labels = ["0.01", "0.1", "1", "10", "100", "1,000", "10,000", "100,000"]
    assert [label for _, label in axis.ticks()] == labels


@pytest.mark.parametrize("high", [4, 9.99, 10, 19.9, 20, 39.9, 99, 1234, 98_765])
def test_an_axis_has_between_five_and_the_maximum_number_of_labels(high: float) -> None:
    assert 5 <= len(Axis(0.0, high, 0.0, 100.0).ticks()) <= MAX_TICKS


@pytest.mark.parametrize(
    ("values", "ends"),
    [([0.2, 40.0], (0.1, 100.0)), ([10.0], (10.0, 100.0)), ([1.0, 10.0], (1.0, 10.0))],
)
def test_whole_decades_enclose_the_values(values: list[float], ends: tuple[float, float]) -> None:
    assert whole_decades(values) == ends
