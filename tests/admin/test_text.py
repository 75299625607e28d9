"""Durations, sizes and counts are written as people say them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from mediapipe.admin import text


@pytest.mark.parametrize(
    ("duration_s", "written"),
    [
        (None, "-"),
        (0.0, "0.00 s"),
        (0.42, "0.42 s"),
        (0.949, "0.95 s"),
        (0.96, "1.0 s"),
        (4.8, "4.8 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.7, "1 min"),
        (200.0, "3 min 20 s"),
        (3599.9, "1 h"),
        (7500.0, "2 h 5 min"),
        (97200.0, "1 d 3 h"),
        (-2.0, "-2.0 s"),
    ],
)
def test_a_duration_is_written_in_readable_units(duration_s: float | None, written: str) -> None:
    assert text.duration(duration_s) == written


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (None, "-"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_400_000, "1.4 MB"),
        (123_456_789, "123 MB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_a_size_is_written_in_decimal_units(count: int | None, written: str) -> None:
    assert text.size(count) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")],
)
def test_an_ordinal_is_written_with_its_suffix(number: int, written: str) -> None:
    assert text.ordinal(number) == written


def test_a_time_is_local_and_its_tooltip_is_in_utc() -> None:
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert text.timestamp(at) == (
            '<time datetime="2026-07-01T12:00:00+00:00" title="2026-07-01 12:00:00 UTC">'
            "2026-07-01 17:30:00</time>"
        )
        assert text.local_time(at, "milliseconds") == "2026-07-01 17:30:00.000"


def test_invisible_characters_are_written_as_their_codes() -> None:
    assert text.plain("a\u202eb\x1bc") == "a\\u202eb\\u001bc"
    assert text.plain("שלום 👩‍👧\n\t") == "שלום 👩‍👧\n\t"
