"""A share is formatted the same way everywhere."""

from __future__ import annotations

import pytest

from mediapipe.timing.percent import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "0.0%"), (0.554, "55.4%"), (0.9999, "100.0%"), (1.0, "100%")],
)
def test_only_exactly_0_and_100_percent_have_no_decimals(share: float, text: str) -> None:
    assert percent(share) == text


def test_more_decimals_can_be_requested() -> None:
    assert percent(0.99987, 2) == "99.99%"
