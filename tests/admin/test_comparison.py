"""Timing and overview say whether delays got worse, and whether Twilio's part did or ours."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.admin.timing.page import CHARTS
from mediapipe.models import MediaItem
from mediapipe.timing.period import Period
from mediapipe.timing.selection import Selection
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("noon")]

TODAY, YESTERDAY = timedelta(hours=1), timedelta(hours=30)


DAY = {"period": "24h"}


def stored(
    number: int, least_s: float, most_s: float, ago: timedelta = TODAY, lag_s: float = 0.37
) -> None:
    """Store items that became available between these bounds, in seconds after the webhook."""
    early = int(least_s > 0)
    made = [make.media(at=timezone.now() - ago).pk for _ in range(number)]
    MediaItem.objects.filter(pk__in=made).update(
        status="stored",
        attempts=1 + early,
        not_found_count=early,
        queue_lag_s=lag_s,
        delay_at_least_s=least_s,
        delay_at_most_s=most_s,
    )


def html(client: Client, page: str) -> str:
    return unescape(client.get(reverse(page), DAY).content.decode())


def verdict(client: Client, page: str = "admin:timing") -> str:
    found = re.search(r'<p class="delay-verdict">(.*?)</p>', html(client, page))
    assert found
    words = re.sub(r'<span aria-hidden="true">.</span>|<.*?>', "", found[1])
    return " ".join(words.split())


@pytest.mark.parametrize("page", ["admin:timing", "admin:index"])
def test_the_verdict_separates_twilios_delay_from_our_queue_lag(
    admin_client: Client, page: str
) -> None:
    stored(20, 18, 52)
    stored(20, 8, 14, YESTERDAY)
    assert verdict(admin_client, page) == (
        "Twilio: p95 18 s to 52 s, was 8.0 s to 14 s: worse. "
        "Our queue: p95 0.37 s, was 0.37 s: unchanged."
    )


def test_our_queue_lag_can_be_worse_while_twilios_delay_is_not(admin_client: Client) -> None:
    stored(20, 1, 60, lag_s=30)
    stored(20, 1, 3, YESTERDAY)
    assert verdict(admin_client).startswith("Twilio: p95 1.0 s to 1 min, was 1.0 s to 3.0 s: no ")
    assert verdict(admin_client).endswith("Our queue: p95 30 s, was 0.37 s: worse.")


def test_the_verdict_states_that_there_are_too_few_items_to_compare(admin_client: Client) -> None:
    stored(20, 18, 52)
    stored(19, 8, 14, YESTERDAY)
    assert (
        "was 8.0 s to 14 s (20 items, before 19): too few items to compare. Our queue:"
        in verdict(admin_client)
    )


def test_the_verdict_states_that_there_are_no_media(admin_client: Client) -> None:
    assert verdict(admin_client) == "Twilio: no media. Our queue: no media."


def test_each_figure_is_shown_beside_its_value_in_the_previous_period(admin_client: Client) -> None:
    stored(20, 18, 52)
    stored(20, 8, 14, YESTERDAY)
    rows = re.findall(
        r"<dt>(.*?)</dt><dd>(.*?)</dd>.*?before: ([^<]*)", html(admin_client, "admin:timing")
    )
    assert ("Propagation delay p50", "18 s to 52 s", "8.0 s to 14 s ") in rows
    assert ("With an early 404", "100%", "100%") in rows


def test_the_charts_show_the_previous_period_as_dashed_lines() -> None:
    now = timezone.now()
    stored(20, 2, 3)
    stored(20, 4, 5, timedelta(hours=25))
    data = ChartData(Selection(Period(now - timedelta(days=1), now)))
    before = {
        key: [
            series["name"]
            for series in build(data).data()["series"]
            if series["before"] is not None
        ]
        for key, build in CHARTS.items()
    }
    assert before == {
        "delay": ["p95, previous period"],
        "whose": ["delay p95, previous period", "queue lag p95, previous period"],
        "spread": ["available media, previous period"],
        "early": ["with an early 404, previous period"],
        "attempts": ["stored, previous period"],
        "outcomes": [],
    }
    dashed = CHARTS["delay"](data).data()["series"][-1]
    # The previous day is drawn at the same hours.
    assert [at for at, value in enumerate(dashed["values"]) if value] == [
        at for at, value in enumerate(CHARTS["delay"](data).data()["series"][0]["values"]) if value
    ]


def test_a_previous_period_without_media_is_not_drawn() -> None:
    now = timezone.now()
    stored(20, 2, 3)
    data = ChartData(Selection(Period(now - timedelta(days=1), now)))
    for build in CHARTS.values():
        assert all(series["before"] is None for series in build(data).data()["series"])


def test_the_csv_has_both_periods(admin_client: Client) -> None:
    stored(20, 2, 3)
    stored(20, 4, 5, timedelta(hours=25))
    text = admin_client.get(reverse("admin:timing_csv", args=["delay"]), DAY).content.decode()
    rows: list[dict[str, Any]] = [*csv.DictReader(text.splitlines())]
    assert {row["delay p95 before at least (s)"] for row in rows} == {"", "4.0"}
