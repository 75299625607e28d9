"""The timing view: its charts, the tables beneath them, and the files for other programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.timing.chart import Chart, Column, Series
from mediapipe.admin.timing.chart_data import ChartData
from mediapipe.admin.timing.page import CHARTS
from mediapipe.models import MediaItem
from mediapipe.timing.period import LENGTHS, Period
from mediapipe.timing.selection import Selection
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = Selection(Period(NOON - timedelta(days=1), NOON))
HOUR = timedelta(hours=1)
VENDOR = "mediapipe/vendor/chart.umd.min.js"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def found(least_s: float, most_s: float, at: datetime = NOON - HOUR, **changes: Any) -> None:
    """Create a stored item that became available between these seconds after the webhook."""
    early = int(least_s > 0)
    values = {
        "status": "stored",
        "attempts": early + 1,
        "not_found_count": early,
        "queue_lag_s": 0.5,
        "delay_at_least_s": least_s,
        "delay_at_most_s": most_s,
    }
    MediaItem.objects.filter(pk=make.media(at=at).pk).update(**values | changes)


def missing(least_s: float) -> None:
    """Create an item that was not available after `least_s` seconds."""
    found(least_s, 0, status="retrying", delay_at_most_s=None)


def chart(key: str, selection: Selection = DAY) -> Chart:
    return CHARTS[key](ChartData(selection))


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("admin:timing"), query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def download(client: Client, key: str, **query: str) -> list[dict[str, str]]:
    answer = client.get(reverse("admin:timing_csv", args=[key]), query)
    assert answer["Content-Type"] == "text/csv"
    return list(csv.DictReader(answer.content.decode().splitlines()))


@pytest.mark.parametrize("period", LENGTHS)
@pytest.mark.parametrize(("number", "drawn"), [(0, 0), (1, 4), (30, 6)])
def test_every_period_is_shown_with_no_media_one_item_or_many_items(
    admin_client: Client, period: str, number: int, drawn: int
) -> None:
    for _ in range(number):
        found(1, 2, at=NOON - timedelta(minutes=30))
    html = page(admin_client, period=period)
    assert html.count("<canvas") == drawn
    assert html.count("There is not enough data for a chart.") == len(CHARTS) - drawn
    for key in CHARTS:
        assert download(admin_client, key, period=period)


def test_each_percentile_is_a_band_between_its_bounds() -> None:
    for _ in range(100):
        found(2, 3)
    lines = chart("delay").data()["series"]
    assert [line["name"] for line in lines] == ["p50", "p95", "p99"]
    assert all((line["least"][-1], line["values"][-1]) == (2, 3) for line in lines)
    assert lines[0]["texts"][-1] == "2.0 s to 3.0 s"


@pytest.mark.parametrize(("number", "drawn"), [(1, 0), (2, 1), (19, 1), (20, 2), (100, 3)])
def test_a_percentile_is_drawn_only_where_there_are_enough_media(number: int, drawn: int) -> None:
    for _ in range(number):
        found(2, 3)
    delay = chart("delay")
    assert sum(line["values"][-1] is not None for line in delay.data()["series"]) == drawn
    assert sum("is not drawn at 1 of 24 points" in note for note in delay.notes) == 3 - drawn
    assert delay.rows[-1][1:] == [number, 2, 3, 2, 3, 2, 3, None, None]


def test_an_unknown_upper_bound_is_drawn_as_a_gap_and_explained() -> None:
    found(1, 2)
    missing(70)
    missing(80)
    delay = chart("delay")
    p50 = delay.data()["series"][0]
    assert (p50["least"][-1], p50["values"][-1]) == (70, None)
    assert p50["texts"][-1] == "over 1 min 10 s"
    assert "not yet known" in [*delay.table()][-1][1]
    assert any("upper edge is missing" in note for note in delay.notes)
    json.dumps(delay.data(), allow_nan=False)


def test_our_queue_lag_is_drawn_beside_twilios_delay() -> None:
    for _ in range(20):
        found(0, 50, queue_lag_s=49.0)
    delay, lag = chart("whose").data()["series"]
    assert (delay["least"][-1], delay["values"][-1], lag["values"][-1]) == (0, 50, 49)
    assert ("ours" in lag["name"], "Twilio" in delay["name"]) == (True, True)


def test_the_distribution_ends_where_all_media_are_certainly_available() -> None:
    found(0, 0.3)
    found(1, 4)
    spread = chart("spread")
    assert spread.labels[-1] == "5.0 s"
    (line,) = spread.data()["series"]
    assert (line["least"][-1], line["values"][-1], line["values"][0]) == (1, 1, 0.5)


def test_early_404s_are_a_share_of_the_attempted_items() -> None:
    found(1, 2)
    found(0, 2)
    make.media(at=NOON - HOUR)
    early = chart("early")
    assert early.rows[-1][1:] == [2, 1, 0.5, None]
    assert early.title == "Early 404s per hour"


def test_the_funnel_counts_webhooks_their_media_and_the_outcomes() -> None:
    found(1, 2)
    make.event(make.message(0), at=NOON - HOUR)
    missing(3)
    numbers = {row[0]: row[1] for row in chart("outcomes").rows}
    assert numbers["webhooks"] == 3
    assert (numbers["media announced"], numbers["attempted"]) == (2, 2)
    assert (numbers["had an early 404"], numbers["stored"], numbers["still waiting"]) == (2, 1, 1)


def test_a_row_of_a_table_links_to_its_media(admin_client: Client) -> None:
    found(1, 2)
    found(1, 2, at=NOON - 3 * HOUR)
    for key in ("delay", "whose", "early"):
        link, _ = [*chart(key).table()][-1]
        listed = admin_client.get(f"{reverse('admin:mediapipe_mediaitem_changelist')}?{link}")
        assert len(set(re.findall(r"/mediaitem/(\d+)/change/", listed.content.decode()))) == 1


def test_a_filter_applies_to_the_tables_and_the_csv_files(admin_client: Client) -> None:
    found(1, 2, content_type="image/png")
    found(1, 2)
    query = {"content_type__exact": "image/png"}
    assert download(admin_client, "attempts", **query)[1]["stored (count)"] == "1"
    html = page(admin_client, **query)
    assert 'value="image/png" selected' in html
    assert "content_type__exact=image%2Fpng&status__exact=stored" in html


def test_the_data_of_every_chart_is_also_in_a_table(admin_client: Client) -> None:
    found(1, 2)
    html = page(admin_client)
    assert html.count("<table>") >= len(CHARTS)
    assert "2.0 s" in html


def test_a_csv_file_has_times_in_utc_and_plain_seconds(admin_client: Client) -> None:
    found(0.25, 2)
    row = download(admin_client, "delay", period="24h")[-1]
    assert row["from (time)"] == "2026-07-01T11:00:00+00:00"
    assert (row["p50 at least (s)"], row["p50 at most (s)"]) == ("0.25", "2.0")


def test_a_csv_file_contains_no_spreadsheet_formula() -> None:
    columns = [Column("name", "text")]
    series = [Series("a", [1], ["1"])]
    hostile = Chart(
        "a", "", "", "bars", "count", "", "", [], series, columns, rows=[['=HYPERLINK("x")']]
    )
    assert "'=HYPERLINK" in hostile.csv()


def test_the_time_axis_names_its_zone_and_offset(admin_client: Client) -> None:
    found(1, 2)
    with timezone.override("Europe/Berlin"):
        delay = chart("delay")
    assert delay.x_title.endswith("in buckets of 1 h (Europe/Berlin, +0200)")
    assert delay.labels[-1] == "13:00"


def test_a_day_with_a_clock_change_shows_both_offsets() -> None:
    since = datetime(2026, 10, 24, 22, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        delay = chart("delay", Selection(Period(since, since + 25 * HOUR)))
    assert len(delay.labels) == 25
    assert [label.split()[-1] for label in delay.labels].count("02:00") == 2
    assert "+0100 and +0200" in delay.x_title


@pytest.mark.parametrize("end", [{"until": "9999-12-31T00:00:00Z"}, {"since": "0001-01-02T00:00Z"}])
def test_a_period_outside_2000_to_2100_is_refused(
    admin_client: Client, end: dict[str, str]
) -> None:
    query = {"since": "2026-01-01T00:00:00Z", **end}
    assert "is not between 2000 and 2100" in page(admin_client, **query)
    url = reverse("admin:timing_csv", args=["delay"])
    assert admin_client.get(url, query).status_code == 400


def test_an_invalid_period_is_reported_and_the_default_period_is_selected(
    admin_client: Client,
) -> None:
    html = page(admin_client, since="yesterday")
    assert "'yesterday' is not a time" in html
    assert 'value="7d" checked' in html
    answer = admin_client.get(reverse("admin:timing_csv", args=["delay"]), {"since": "yesterday"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_the_csv_file_of_an_unknown_chart_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:timing_csv", args=["nonsense"])).status_code == 404


def test_hostile_text_in_a_query_parameter_is_escaped(admin_client: Client) -> None:
    script = "</script><script>alert(1)</script>"
    answer = admin_client.get(reverse("admin:timing"), {"content_type__exact": script})
    assert script not in answer.content.decode()
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["timing", "timing_csv"])
def test_a_login_is_required(client: Client, name: str) -> None:
    args = ["delay"] if name == "timing_csv" else []
    answer = client.get(reverse(f"admin:{name}", args=args))
    assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)


def test_the_timing_page_and_the_overview_have_no_inline_script_or_style(
    admin_client: Client,
) -> None:
    found(1, 2)
    for html in (page(admin_client), admin_client.get(reverse("admin:index")).content.decode()):
        assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []
        assert re.findall(r"<[^>]+ (?:style|on[a-z]+)=", html) == []


def test_the_chart_library_matches_its_documented_checksum_and_has_a_license() -> None:
    file = Path(str(finders.find(VENDOR)))
    note = (file.parent / "README.md").read_text()
    assert sha256(file.read_bytes()).hexdigest() in note
    assert "MIT" in (file.parent / "chart.umd.min.LICENSE.md").read_text()
