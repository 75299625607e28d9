"""Failures are shown in groups, each of which leads to exactly its items and to their retry."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin.text import local_time
from mediapipe.failures import (
    Failure,
    FinalFailure,
    Gone,
    TooLarge,
    TransientMedia404,
    Unauthorized,
)
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import ESCAPED, RIGHT_TO_LEFT, SCRIPT, client_with_role, listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("noon")]

RETRY = reverse("admin:mediapipe_mediaitem_retry_all")
GIVE_UP = reverse("admin:mediapipe_mediaitem_give_up_all")


def failed(failure: FinalFailure | None = None, hours_ago: float = 1, **values: Any) -> MediaItem:
    item = make.claimed()
    item.mark_failed(failure or TooLarge(), Evidence())
    values["received_at"] = timezone.now() - timedelta(hours=hours_ago)
    MediaItem.objects.filter(pk=item.pk).update(**values)
    return item


def groups(client: Client, **query: Any) -> list[str]:
    """Return the rows of the table without tags."""
    table = page(client, "failures", **query).partition('<table class="groups">')[2]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("</table>")[0], re.DOTALL)[1:]
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split()) for row in rows]


def queries_of(html: str, action: str = RETRY) -> list[str]:
    """Return the query string of each group's link to this action."""
    return [unescape(query) for query in re.findall(rf'"{action}\?([^"]*)" aria-label', html)]


def test_items_with_the_same_reason_account_and_host_are_one_group(admin_client: Client) -> None:
    for failure in (TooLarge(), TooLarge(), Unauthorized()):
        failed(failure)
    first, second = groups(admin_client)
    where = f"{make.ACCOUNT} api.twilio.com"
    assert first.startswith(f"too_large {TooLarge.todo} {where} 2 Retry these")
    assert second.startswith(f"unauthorized {Unauthorized.todo} {where} 1 Retry these")


def test_items_of_different_hosts_or_accounts_are_separate_groups(admin_client: Client) -> None:
    failed()
    failed(host="mms.twiliocdn.com")
    failed(account_sid="AC" + "f" * 32)
    assert len(groups(admin_client)) == 3
    assert len(groups(admin_client, by="reason")) == 1
    assert len(groups(admin_client, by=["reason", "host"])) == 2


def test_groups_by_time_are_hours_within_a_day_and_days_within_a_month(
    admin_client: Client,
) -> None:
    for hours_ago in (0.1, 30.1, 30.2):
        failed(hours_ago=hours_ago)
    assert len(groups(admin_client, by="time", period="24h")) == 1
    assert len(groups(admin_client, by="time", period="30d")) >= 2


def test_a_group_shows_its_first_and_last_time_and_its_three_newest_items(
    admin_client: Client,
) -> None:
    items = [failed(hours_ago=hours) for hours in (5, 4, 3, 2)]
    (row,) = groups(admin_client)
    assert len(re.findall(r"\d\d:\d\d:\d\d", row)) == 2
    assert [str(item) in row for item in items] == [False, True, True, True]


def test_a_group_sums_its_hours_and_the_largest_group_is_first(admin_client: Client) -> None:
    failed(TooLarge())
    for hours in (9, 3, 30):
        failed(Unauthorized(), hours_ago=hours)
    first, second = groups(admin_client, period="7d")
    assert first.startswith("unauthorized")
    assert f" {make.ACCOUNT} api.twilio.com 3 Retry" in first
    times = MediaItem.objects.filter(error="unauthorized").values_list("received_at", flat=True)
    assert f"{local_time(min(times))} {local_time(max(times))}" in first
    assert second.startswith("too_large")


def test_the_latest_hour_is_listed_first(admin_client: Client) -> None:
    for hours in (2, 9, 9, 5):
        failed(hours_ago=hours)
    rows = groups(admin_client, by="time", period="24h")
    assert rows == sorted(rows, reverse=True)
    assert [" 2 Retry" in row for row in rows] == [False, False, True]


def test_only_items_of_the_requested_period_are_counted(admin_client: Client) -> None:
    failed(hours_ago=2)
    failed(hours_ago=200)
    assert " 1 Retry" in groups(admin_client)[0]
    assert groups(admin_client, period="1h") == []
    assert " 2 Retry" in groups(admin_client, period="30d")[0]


def test_an_invalid_period_is_reported_and_escaped(admin_client: Client) -> None:
    html = page(admin_client, "failures", since=SCRIPT)
    assert "is not a time; write for example" in html
    assert SCRIPT not in html


def test_retrying_items_are_shown_only_on_request(admin_client: Client) -> None:
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    assert groups(admin_client) == []
    assert groups(admin_client, status__exact="retrying")[0].startswith("not_ready")


def test_a_period_without_failures_links_to_the_items_still_retrying(admin_client: Client) -> None:
    html = page(admin_client, "failures")
    assert "Nothing failed in the last 7 days." in html
    assert "still retrying" not in html
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    (query,) = re.findall(
        r'<a href="\?(.*?)">1 item still retrying</a>', page(admin_client, "failures")
    )
    assert groups(admin_client, **dict(_pairs(unescape(query))))[0].startswith("not_ready")


def test_a_period_without_retrying_items_links_to_its_failed_items(admin_client: Client) -> None:
    failed()
    html = page(admin_client, "failures", status__exact="retrying", period="30d")
    assert "Nothing received in the last 30 days is being retried." in html
    assert '<a href="?status__exact=failed&amp;period=30d">1 item failed</a>' in html


def test_a_group_of_retrying_items_can_be_given_up(admin_client: Client) -> None:
    for host in ("", "mms.twiliocdn.com"):
        conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
        MediaItem.objects.filter(host="api.twilio.com").update(host=host)
    links = queries_of(page(admin_client, "failures", status__exact="retrying"), GIVE_UP)
    assert len(links) == 2
    reason = {"confirmed": "yes", "reason": "sent again"}
    admin_client.post(f"{GIVE_UP}?{next(link for link in links if 'cdn' in link)}", reason)
    assert [item.host for item in MediaItem.objects.failed()] == ["mms.twiliocdn.com"]


def test_a_group_of_failed_items_cannot_be_given_up(admin_client: Client) -> None:
    failed()
    assert GIVE_UP not in page(admin_client, "failures")


def test_a_failure_that_no_retry_can_fix_is_not_offered_for_a_retry(admin_client: Client) -> None:
    failed(Gone())
    assert groups(admin_client)[0].startswith("gone")
    assert queries_of(page(admin_client, "failures")) == []


def test_each_group_links_to_exactly_its_items(admin_client: Client) -> None:
    chosen = [failed(host=""), failed(host="")]
    failed()
    failed(Unauthorized(), host="")
    links = queries_of(page(admin_client, "failures"))
    found = [listed(admin_client, **dict(_pairs(link))) for link in links]
    assert sorted(map(len, found)) == [1, 1, 2]
    assert {item.pk for item in chosen} in found


def test_the_link_of_a_group_excludes_items_received_after_the_page_was_shown(
    admin_client: Client,
) -> None:
    failed()
    (link,) = queries_of(page(admin_client, "failures"))
    failed(hours_ago=-0.01)
    assert len(listed(admin_client, **dict(_pairs(link)))) == 1


def test_a_viewer_sees_groups_without_links_to_retry_or_give_up() -> None:
    failed()
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    viewer = client_with_role(roles.VIEWER)
    for status, reason in (("failed", "too_large"), ("retrying", "not_ready")):
        html = page(viewer, "failures", status__exact=status)
        assert reason in html
        assert RETRY not in html
        assert GIVE_UP not in html


def test_hostile_text_is_shown_as_text(admin_client: Client) -> None:
    failed(host=SCRIPT)
    failed(host=RIGHT_TO_LEFT)
    html = page(admin_client, "failures")
    assert SCRIPT not in html
    assert ESCAPED in html
    assert "\u202e" not in html


def test_many_groups_cost_no_more_queries_than_one(admin_client: Client) -> None:
    failed()
    before = _queries(admin_client)
    for number in range(20):
        failed(host=f"h{number}")
    assert _queries(admin_client) == before


def test_every_reason_is_explained_under_its_own_name(admin_client: Client) -> None:
    html = unescape(page(admin_client, "reasons"))
    for failure in Failure.all():
        assert f'id="{failure.slug}"' in html
        assert failure.meaning() in html
        assert failure.todo in html


def test_a_reason_links_to_its_items_with_their_count(admin_client: Client) -> None:
    failed(hours_ago=1000)
    html = page(admin_client, "reasons")
    assert re.findall(r'error__exact=(\w+)" aria-label[^>]*>(\d+)<', html) == [("too_large", "1")]


def _pairs(query: str) -> list[tuple[str, str]]:

    return parse_qsl(query)


def _queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, "failures")
    return len(captured)
