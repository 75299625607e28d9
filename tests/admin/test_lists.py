"""The lists answer operators' questions, by index, and hide numbers from those who may not see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem, Status
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import RIGHT_TO_LEFT, SCRIPT, client_with_role, listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "mediapipe_mediaitem_changelist"


def late(at_least_s: float | None, at_most_s: float | None) -> MediaItem:
    """Return an item whose media became available between these seconds after the webhook."""
    item = make.media()
    delays = {"delay_at_least_s": at_least_s, "delay_at_most_s": at_most_s}
    MediaItem.objects.filter(pk=item.pk).update(**delays)
    return item


def changed(**values: object) -> MediaItem:
    item = make.media()
    MediaItem.objects.filter(pk=item.pk).update(**values)
    return item


@pytest.mark.parametrize(("threshold", "count"), [("5", 3), ("30", 2), ("300", 1), ("29.5", 3)])
def test_slower_than_compares_the_upper_bound_or_the_wait_so_far(
    admin_client: Client, threshold: str, count: int
) -> None:
    late(0.0, 4.9)
    late(None, None)
    slowest = late(1.0, 301.0)
    late(31.0, None)
    late(20.0, 30.0)
    found = listed(admin_client, slower_than=threshold)
    assert len(found) == count
    assert slowest.pk in found


def test_waiting_longer_than_finds_only_unfinished_items(admin_client: Client) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    waits, done = make.media(at=hour_ago), make.media(at=hour_ago)
    MediaItem.objects.filter(pk=done.pk).update(status=Status.STORED)
    make.media()
    assert listed(admin_client, waiting_longer_than="600") == {waits.pk}
    assert listed(admin_client, waiting_longer_than="86400") == set()


@pytest.mark.parametrize("threshold", ["x", "nan", "-1", "1e999"])
def test_an_invalid_number_in_a_filter_causes_no_error(
    admin_client: Client, threshold: str
) -> None:
    make.media()
    listed(admin_client, slower_than=threshold)
    listed(admin_client, waiting_longer_than=threshold)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("error", "too_large"),
        ("account_sid", "AC" + "f" * 32),
        ("content_type", "video/mp4"),
        ("host", "mms.twiliocdn.com"),
        ("kind", "recording"),
        ("not_found_because", "deleted"),
    ],
)
def test_a_column_is_filtered_by_a_value(admin_client: Client, name: str, value: str) -> None:
    make.media()
    item = changed(**{name: value})
    assert listed(admin_client, **{f"{name}__exact": value}) == {item.pk}


def test_a_dash_filters_for_empty_values(admin_client: Client) -> None:
    changed(host="mms.twiliocdn.com")
    item = changed(host="")
    assert listed(admin_client, host__exact="-") == {item.pk}


def test_the_lists_are_filtered_by_period(admin_client: Client) -> None:
    now = timezone.now()
    old, new = make.media(at=now - timedelta(days=2)), make.media(at=now - timedelta(minutes=5))
    assert listed(admin_client, period="1h") == {new.pk}
    assert listed(admin_client, period="7d") == {old.pk, new.pk}
    since, until = now - timedelta(days=3), now - timedelta(days=1)
    assert listed(admin_client, since=since.isoformat(), until=until.isoformat()) == {old.pk}
    assert listed(admin_client, "webhookevent", period="1h") == {new.event_id}


def test_an_invalid_period_is_reported_and_shows_no_rows(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, since="yesterday")
    assert "is not a time; write for example" in html
    assert listed(admin_client, since="yesterday") == set()


def test_only_reasons_that_occur_can_be_chosen(admin_client: Client) -> None:
    make.claimed().mark_failed(TooLarge(), Evidence())
    html = page(admin_client, LIST)
    assert "error__exact=too_large" in html
    assert "error__exact=gone" not in html


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        ("webhookevent", "sender__startswith"),
        ("webhookevent", "recipient"),
        ("webhookevent", "parameters__icontains"),
        ("mediaitem", "event__sender__startswith"),
        ("mediaitem", "media_url__contains"),
        ("mediaitem", "declared_content_type__contains"),
        ("handoff", "media__event__sender__contains"),
        ("notice", "text__contains"),
        ("rejection", "reason__startswith"),
    ],
)
def test_a_lookup_that_could_reveal_a_number_is_refused(model: str, lookup: str) -> None:
    make.media(make.message(sender="+15550000077"))
    url = reverse(f"admin:mediapipe_{model}_changelist")
    assert client_with_role(roles.SUPPORT).get(url, {lookup: "+1555"}).status_code == 400


def test_a_state_is_shown_as_a_word_beside_its_symbol(admin_client: Client) -> None:
    make.media()
    assert '<span aria-hidden="true">○</span> queued' in page(admin_client, LIST)


def test_a_delay_is_shown_as_an_interval(admin_client: Client) -> None:
    item = make.claimed()
    now = item.received_at
    MediaItem.objects.update(
        last_not_found_at=now + timedelta(seconds=1.04), found_at=now + timedelta(seconds=3.2)
    )
    assert "1.0 s to 3.2 s" in page(admin_client, LIST)


def test_the_time_zone_is_named_once(admin_client: Client, settings: Settings) -> None:
    make.media()
    make.media()
    settings.TIME_ZONE = "Asia/Kolkata"
    header, _, content = page(admin_client, LIST).partition('id="content"')
    # Django 6.1 also names it in an attribute of the page.
    assert header.count("Times in Asia/Kolkata") == 1
    assert content
    assert "Asia/Kolkata" not in content


def test_a_waiting_item_shows_when_its_next_attempt_is_due(admin_client: Client) -> None:
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    MediaItem.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=3629))
    assert "in 1 h" in page(admin_client, LIST)


def test_an_item_of_a_refused_account_is_shown_as_waiting_for_its_account(
    admin_client: Client,
) -> None:
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    MediaItem.objects.update(error="account_refused", next_attempt_at=timezone.now())
    html = page(admin_client, LIST)
    assert "waits for its account" in html
    assert "next now" not in html


def test_hostile_text_is_shown_as_text_in_every_list(admin_client: Client) -> None:
    changed(declared_content_type=SCRIPT, host=SCRIPT, error=SCRIPT[:32])
    changed(content_type=RIGHT_TO_LEFT)
    for query in ({}, {"q": SCRIPT}, {"host__exact": SCRIPT}, {"since": SCRIPT}):
        html = page(admin_client, LIST, **query)
        assert SCRIPT not in html
        assert "\u202e" not in html


def test_the_parameters_of_a_webhook_are_not_read_for_a_list(admin_client: Client) -> None:
    make.media()
    for name in (LIST, "mediapipe_webhookevent_changelist"):
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, name)
        assert not any('"parameters"' in query["sql"] for query in captured)


def test_the_media_list_runs_no_distinct_query(admin_client: Client) -> None:
    make.media()
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, LIST)
    assert not any("DISTINCT" in query["sql"] for query in captured)
