"""The first page of the admin: what came in, how long it took, and whether the service is well."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin import tiles as tiles_module
from mediapipe.models import Cause, Heartbeat, Incident, MediaItem
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.operations import components as components_module
from tests.support import make

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("noon", "broker"),
]

YESTERDAY = timedelta(hours=30)
TILE = re.compile(r'<a class="tile" href="(.*?)">(.*?)</a>', re.DOTALL)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the broker respond."""
    monkeypatch.setattr(components_module, "broker_error", lambda: None)


def item(ago: timedelta = timedelta(hours=1), **changes: Any) -> MediaItem:
    """Create a media item received `ago` before now, with these field values."""
    made = make.media(at=timezone.now() - ago)
    MediaItem.objects.filter(pk=made.pk).update(**changes)
    return made


def stored(least_s: float, most_s: float, ago: timedelta = timedelta(hours=1)) -> MediaItem:
    early = int(least_s > 0)
    return item(
        ago,
        status="stored",
        attempts=1 + early,
        not_found_count=early,
        queue_lag_s=0.5,
        delay_at_least_s=least_s,
        delay_at_most_s=most_s,
    )


def page(client: Client) -> str:
    answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def tiles(client: Client) -> dict[str, tuple[str, str]]:
    """Return the link and the text of each figure, by its title."""
    found = {}
    for url, inner in TILE.findall(page(client)):
        title, *texts = re.sub(r"<.*?>|\s+", " ", inner).split("  ")
        words = " ".join(" ".join([title, *texts]).split())
        name = re.search(r'class="title">(.*?)<', inner)
        assert name
        found[name[1]] = (url, words.removeprefix(name[1]).strip())
    return found


def texts(client: Client) -> dict[str, str]:
    return {title: text for title, (_, text) in tiles(client).items()}


def test_the_overview_compares_the_last_24_hours_with_those_before(admin_client: Client) -> None:
    stored(0, 1)
    stored(2, 3)
    item(status="failed", attempts=1)
    stored(0, 1, ago=YESTERDAY)
    figures = texts(admin_client)
    assert figures["Webhooks"] == figures["Media"] == "3 before: 1"
    assert figures["Stored"] == "2 before: 1"
    assert figures["Failed"] == "1 before: none"
    assert figures["With an early 404"] == "1 of 3 before: 0 of 1"


def test_a_delay_is_shown_as_an_interval(admin_client: Client) -> None:
    stored(2, 3)
    stored(0, 1, ago=YESTERDAY)
    figures = texts(admin_client)
    assert figures["Propagation delay p95"].startswith("2.0 s to 3.0 s before: at most 1.0 s")
    assert figures["Queue lag p95"].startswith("0.50 s before: 0.50 s")


def test_a_delay_without_an_upper_bound_is_shown_as_over_its_lower_bound(
    admin_client: Client,
) -> None:
    item(status="retrying", attempts=2, not_found_count=2, delay_at_least_s=70.0)
    assert texts(admin_client)["Propagation delay p50"].startswith("over 1 min 10 s")


def test_waiting_items_of_any_age_are_counted_and_the_oldest_is_linked(
    admin_client: Client,
) -> None:
    item(status="queued")
    oldest = item(timedelta(days=9), status="retrying", attempts=2)
    found = tiles(admin_client)
    assert found["Waiting now"][1].startswith("2 ")
    url = reverse("admin:mediapipe_mediaitem_change", args=[oldest.pk])
    assert found["Oldest waiting"] == (url, "9 d retrying, attempted twice")


def test_the_overview_of_an_empty_database_shows_zeros_and_dashes(admin_client: Client) -> None:
    figures = texts(admin_client)
    assert figures["Media"] == "0"
    assert figures["Oldest waiting"] == "none"
    assert figures["Propagation delay p99"].startswith("- before: -")


LISTED = {
    "Media": 4,
    "Stored": 2,
    "Failed": 1,
    "With an early 404": 1,
    "Waiting now": 2,
}


@pytest.mark.parametrize(("title", "count"), LISTED.items())
def test_a_figure_links_to_the_rows_that_it_counts(
    admin_client: Client, title: str, count: int
) -> None:
    stored(0, 1)
    stored(2, 3)
    item(status="failed", attempts=1)
    item(status="queued")
    item(YESTERDAY, status="queued")
    url, text = tiles(admin_client)[title]
    listed = admin_client.get(url).content.decode()
    assert len(set(re.findall(r"/mediaitem/(\d+)/change/", listed))) == count
    assert text.startswith(("25", "33") if "%" in text.split()[0] else str(count))


def test_every_figure_links_to_a_page_that_opens(admin_client: Client) -> None:
    stored(2, 3)
    item(status="queued")
    found = tiles(admin_client)
    assert len(found) == 11
    for url, _ in found.values():
        assert admin_client.get(url).status_code == 200


def test_problems_of_the_service_are_shown_above_the_figures(admin_client: Client) -> None:
    Incident.open_or_update(Cause.STORAGE)
    html = page(admin_client)
    assert html.index("1 open") < html.index("The last 24 hours")
    assert "Start a worker" in html


def test_the_status_of_a_healthy_service_is_shown_below_the_figures(admin_client: Client) -> None:
    for part in (BEAT, SWEEP, "worker celery@here"):
        Heartbeat.record(part)
    html = page(admin_client)
    assert html.index("1 alive") > html.index("The last 24 hours")
    assert 'class="ill"' not in html


def test_the_open_incidents_link_to_their_list(admin_client: Client) -> None:
    Incident.open_or_update(Cause.STORAGE)
    found = re.search(r'<a href="(\S+)">Incidents</a></strong>', page(admin_client))
    assert found
    assert "Storage" in admin_client.get(found[1]).content.decode()


def test_the_overview_refreshes_automatically(admin_client: Client) -> None:
    assert 'data-refresh="15"' in page(admin_client)


def test_the_navigation_beside_the_figures_links_to_the_lists(admin_client: Client) -> None:
    navigation = page(admin_client).partition('id="nav-sidebar"')[2].partition("</nav>")[0]
    assert reverse("admin:auth_user_changelist") in navigation


def test_a_user_without_permission_to_see_media_sees_no_figures_about_them(client: Client) -> None:
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    item(status="failed")
    html = page(client)
    assert 'class="tile"' not in html
    assert reverse("admin:timing") not in html
    assert client.get(reverse("admin:timing")).status_code == 403


def test_a_user_with_permission_to_see_media_can_open_the_timing_page(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_mediaitem"))
    client.force_login(viewer)
    html = page(client)
    assert reverse("admin:timing") in html
    assert client.get(reverse("admin:timing")).status_code == 200


def test_a_figure_shows_its_hours_as_a_small_chart(admin_client: Client) -> None:
    stored(0, 1)
    stored(0, 1)
    stored(0, 1, ago=timedelta(hours=3))
    found = re.search(r">Media</span>.*?aria-label=\"(.*?)\"(.*?)</svg>", page(admin_client), re.S)
    assert found
    assert found[1] == "Per hour: lowest 0, highest 2, latest 0."
    assert found[2].count("<rect") == 2


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (9, 1, "before: 1"),
        (25, 20, "before: 20 (+25%)"),
        (60, 20, "before: 20 (3.0 times)"),
        (1, 20, "before: 20"),
        (1001, 1000, "before: 1,000"),
    ],
)
def test_percentages_need_twenty_items(new: int, old: int, expected: str) -> None:
    assert tiles_module.count_before(new, old) == expected
