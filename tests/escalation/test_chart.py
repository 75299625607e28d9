"""timing.svg: well-formed, without script, and each figure where the axes say it is."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from mediapipe.escalation.report import chart
from mediapipe.escalation.report.case import build_case
from mediapipe.escalation.report.figures import compute_figures
from mediapipe.models import MediaItem
from tests.support import early_404s

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(**options: Any) -> ElementTree.Element:
    """Return the chart of all media, parsed as XML."""
    case = build_case(MediaItem.objects.all(), **options)
    return ElementTree.fromstring(chart.render_svg(case, compute_figures(case)))  # noqa: S314


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def numbers(svg: ElementTree.Element, name: str, attribute: str = "d") -> list[list[float]]:
    """Return the numbers in each path of this class."""
    paths = svg.findall(f".//{SVG}path[@class='{name}']")
    return [[float(n) for n in re.findall(r"-?[\d.]+", path.get(attribute, ""))] for path in paths]


def delay_y(svg: ElementTree.Element, seconds: float) -> float:
    """Return the y of a delay, interpolated between the labels of the powers of ten around it."""
    lower = 10.0 ** math.floor(math.log10(seconds))
    at = {e.text: float(e.get("y", 0)) for e in svg.iter(f"{SVG}text") if e.get("x") == "72"}
    low_y, high_y = at[f"{lower:g}"], at[f"{lower * 10:g}"]
    return low_y + (high_y - low_y) * math.log10(seconds / lower)


def test_the_title_counts_the_affected_media() -> None:
    early_404s.media(NOON, not_found_s=[0.2], found_s=2.0)
    early_404s.media(NOON, found_s=0.2)
    svg = drawn()
    title = "Media announced before it was available: 1 of 2"
    assert svg.findtext(f"{SVG}title") == title
    assert title in texts(svg)


def test_late_media_is_drawn_below_the_other_media_of_each_hour() -> None:
    for _ in range(3):
        early_404s.media(NOON + MINUTE, not_found_s=[0.2], found_s=2.0)
    for _ in range(9):
        early_404s.media(NOON + MINUTE, found_s=0.2)
    svg = drawn(since=NOON, until=NOON + 2 * HOUR)
    # The axis is 180 high and ends at the largest bar, 12 items. One of the two hours is 450 wide.
    assert numbers(svg, "others") == [[80, 76, 450, 211, -450]]
    assert numbers(svg, "late") == [[80, 211, 450, 256, -450]]
    assert "2026-03-02 12:00: 3 of 12" in [e.text for e in svg.iter(f"{SVG}title")]


def test_a_bar_is_clipped_to_the_period() -> None:
    early_404s.media(NOON + 40 * MINUTE, not_found_s=[0.2], found_s=2.0)
    svg = drawn(since=NOON + 30 * MINUTE, until=NOON + 45 * MINUTE)
    ((x, _, width, _, _),) = numbers(svg, "late")
    assert (x, width) == (80, 900)


def test_an_interval_extends_from_the_last_404_to_the_success() -> None:
    early_404s.media(NOON + HOUR, not_found_s=[0.1, 1.5], found_s=4.0)
    svg = drawn(since=NOON, until=NOON + 3 * HOUR)
    ((x, high, low),) = numbers(svg, "intervals")
    assert x == 380
    assert high == pytest.approx(delay_y(svg, 4.0), abs=0.1)
    assert low == pytest.approx(delay_y(svg, 1.5), abs=0.1)


def test_missing_media_is_marked_at_its_last_404() -> None:
    early_404s.media(NOON + HOUR, not_found_s=[0.1, 1.5], found_s=4.0)
    early_404s.media(NOON + 2 * HOUR, not_found_s=[0.1, 30.0])
    svg = drawn(since=NOON, until=NOON + 3 * HOUR)
    ((x, y),) = numbers(svg, "missing", "transform")
    assert x == 680
    assert y == pytest.approx(delay_y(svg, 30.0), abs=0.1)
    assert "still missing" in texts(svg)


def test_the_baseline_is_drawn_as_a_line_with_its_value() -> None:
    early_404s.media(NOON, not_found_s=[0.1], found_s=40.0)
    early_404s.media(NOON - DAY, found_s=0.25)
    svg = drawn(since=NOON, until=NOON + HOUR)
    ((_, y, _),) = numbers(svg, "baseline")
    assert y == pytest.approx(delay_y(svg, 0.25), abs=0.1)
    assert "baseline p95: 0.25 s" in texts(svg)


def test_the_legend_omits_baseline_and_missing_media_if_there_are_none() -> None:
    early_404s.media(NOON, not_found_s=[0.2], found_s=2.0)
    found = " ".join(texts(drawn()))
    assert "still missing" not in found
    assert "baseline" not in found


def test_a_delay_of_zero_is_drawn_at_the_lowest_value() -> None:
    early_404s.media(NOON, not_found_s=[0.0], found_s=0.0)
    svg = drawn()
    ((_, high, low),) = numbers(svg, "intervals")
    assert high == low == pytest.approx(delay_y(svg, 0.01), abs=0.1)


def test_many_intervals_are_thinned_and_the_legend_states_the_ratio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chart, "MAX_INTERVALS", 4)
    for minute in range(10):
        early_404s.media(NOON + minute * MINUTE, not_found_s=[0.2], found_s=2.0)
    svg = drawn()
    assert len(numbers(svg, "intervals")[0]) == 3 * 4
    assert "one of 3 affected media items" in texts(svg)


def time_labels(svg: ElementTree.Element) -> list[str]:
    return [e.text or "" for e in svg.iter(f"{SVG}text") if e.get("y") == "660"]


def test_times_are_labelled_in_the_zone_with_its_offsets() -> None:
    # In between, Berlin's clocks go forward from +01:00 to +02:00.
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)
    early_404s.media(begin + HOUR, not_found_s=[0.2], found_s=2.0)
    svg = drawn(since=begin, until=begin + 5 * HOUR, zone=BERLIN)
    full_hours = [label for label in time_labels(svg) if not label.endswith(":30")]
    assert full_hours == ["Mar 29", "01:00", "03:00", "04:00", "05:00", "06:00"]
    ends = "2026-03-29 00:00 +0100 to 2026-03-29 06:00 +0200"
    assert f"webhook received, {ends} (Europe/Berlin)" in texts(svg)


def test_days_begin_at_midnight_in_the_zone() -> None:
    begin = datetime(2026, 3, 26, 23, tzinfo=UTC)
    early_404s.media(begin + HOUR, not_found_s=[0.2], found_s=2.0)
    svg = drawn(since=begin, until=begin + 7 * DAY, zone=BERLIN)
    days = [*(f"Mar {day}" for day in range(27, 32)), "Apr 1", "Apr 2", "Apr 3"]
    assert time_labels(svg) == days


def test_a_period_of_a_few_seconds_has_labels_with_seconds() -> None:
    early_404s.media(NOON + timedelta(seconds=2), not_found_s=[0.2], found_s=2.0)
    labels = time_labels(drawn(since=NOON, until=NOON + timedelta(seconds=3), zone=BERLIN))
    assert labels == ["13:00:00", "13:00:01", "13:00:02", "13:00:03"]


def test_the_chart_contains_no_scripts_and_no_references() -> None:
    early_404s.media(NOON, not_found_s=[0.2])
    svg = drawn()
    tags = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert tags == {"svg", "title", "rect", "text", "g", "path"}
    names = {name for element in svg.iter() for name in element.keys()}  # noqa: SIM118
    assert not [name for name in names if name.startswith("on") or "href" in name]
