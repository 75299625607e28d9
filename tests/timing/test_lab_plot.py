"""The plot of the retry lab: each schedule is at its figures and marked as in the legend."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from mediapipe.fetching.schedule import Schedule
from mediapipe.timing.retry_lab.comparison import Comparison
from mediapipe.timing.retry_lab.intervals import DelayIntervals
from mediapipe.timing.retry_lab.plot import render_svg
from mediapipe.timing.retry_lab.policies import Policy
from mediapipe.timing.retry_lab.proposal import Candidate
from mediapipe.timing.retry_lab.replay import PolicyFigures, PolicyResult

SVG = "{http://www.w3.org/2000/svg}"
NOTHING = DelayIntervals(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0), 0.0, 0, 0)
CURRENT = PolicyFigures(retrieved=0.99, excess_mean_s=10.0, excess_p95_s=20.0, requests=2.0)


def result(name: str, figures: PolicyFigures) -> PolicyResult:
    return PolicyResult(Policy(name), figures, figures, figures)


def drawn(*others: PolicyResult, frontier: tuple[PolicyFigures, ...] = ()) -> ElementTree.Element:
    """Return the plot of the current schedule and `others`, with a budget of 5 requests."""
    best = [Candidate(Schedule.from_settings(), figures) for figures in frontier]
    comparison = Comparison(NOTHING, [result("current", CURRENT), *others], best, 5.0, None)
    return ElementTree.fromstring(render_svg(comparison))  # noqa: S314


def points(svg: ElementTree.Element, number: int) -> list[tuple[float, float, str]]:
    """Return position and fill of a schedule's mark in the plot, then of its mark in the legend."""
    (group,) = (one for one in svg.iter(f"{SVG}g") if f"policy-{number}" in one.get("class", ""))
    found = []
    for path in group:
        x, y = re.findall(r"[\d.]+", path.get("transform", ""))
        found.append((float(x), float(y), path.get("fill", "")))
    return found


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def test_a_schedule_is_plotted_at_its_requests_and_its_wait() -> None:
    svg = drawn(result("quick", replace(CURRENT, excess_mean_s=1.0, requests=4.0)))
    # x from 60 to 740 is 6 requests, 1.2 times the budget; y from 380 up to 56 is one decade.
    assert points(svg, 1)[0] == (286.7, 56, "currentColor")
    assert points(svg, 2)[0] == (513.3, 380, "currentColor")
    assert {"current", "quick"} < set(texts(svg))


def test_a_schedule_that_retrieves_less_is_hollow_and_explained_in_the_legend() -> None:
    svg = drawn(result("hasty", replace(CURRENT, retrieved=0.8)))
    assert [fill for *_, fill in points(svg, 2)] == ["none", "none"]
    assert "hasty: loses 20.0%" in texts(svg)
    group = svg.find(f"{SVG}g[@class='policy-2 loses']")
    assert group is not None
    assert group.get("color") == "#6b6b6b"


def test_the_budget_and_the_frontier_are_drawn_on_the_same_axes() -> None:
    svg = drawn(frontier=(replace(CURRENT, requests=3.0, excess_mean_s=math.sqrt(1000)),))
    budget = svg.find(f"{SVG}path[@class='budget']")
    frontier = svg.find(f"{SVG}polyline")
    assert budget is not None
    assert frontier is not None
    assert budget.get("d") == "M626.7 56V380"
    assert frontier.get("points") == "400.0,218.0 "


def test_a_frontier_beyond_all_schedules_does_not_stretch_the_plot() -> None:
    svg = drawn(frontier=(replace(CURRENT, requests=6.1),))
    frontier = svg.find(f"{SVG}polyline")
    assert frontier is not None
    assert frontier.get("points") == ""


def test_a_wait_of_zero_is_plotted_on_the_lower_edge() -> None:
    svg = drawn(result("lucky", replace(CURRENT, excess_mean_s=0.0)))
    assert points(svg, 2)[0][1] == 380


def test_schedule_names_are_escaped() -> None:
    name = '<script>alert(1)</script> & "more"'
    svg = drawn(result(name, CURRENT))
    assert name in texts(svg)
    assert svg.find(f".//{SVG}script") is None


def test_the_legend_has_room_for_every_schedule() -> None:
    svg = drawn(*(result(f"schedule {n}", CURRENT) for n in range(5)))
    places = [points(svg, number)[1] for number in range(1, 7)]
    # Lines are 24 apart, and the first one explains budget and frontier.
    assert [(x, y) for x, y, _ in places] == [(60, 464 + 24 * row) for row in range(6)]
    assert svg.get("height") == "608"
