"""The filters of the lists are chips above the rows: active ones show their value."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.models.rejections import Rejection
from mediapipe.timing.period import PERIODS
from tests.support import make
from tests.support.admin import listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "mediapipe_mediaitem_changelist"


def test_an_active_filter_shows_its_value_and_can_be_removed(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, status__exact="queued", kind__exact="message")
    assert "<summary>State: Queued</summary>" in html
    assert (
        '<a class="remove" href="?kind__exact=message" aria-label="Remove the filter: state">'
        in html
    )


def test_an_inactive_filter_shows_only_its_title(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST)
    assert "<summary>State</summary>" in html
    assert 'class="remove"' not in html


def test_a_filter_value_that_is_not_among_the_choices_is_shown(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, slower_than="29.5")
    assert "<summary>Propagation delay: 29.5</summary>" in html


def test_the_bounds_of_a_period_are_shown_and_can_be_changed(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, since="2026-03-01T12:00", until="2026-03-02T12:00Z")
    assert "<summary>Received: 2026-03-01 12:00:00 to 2026-03-02 12:00:00</summary>" in html
    assert '<input type="datetime-local" name="since" value="2026-03-01T12:00:00">' in html


def test_all_content_types_of_a_group_can_be_chosen(admin_client: Client) -> None:
    types = ["audio/ogg", "audio/mpeg", "image/png", "audio0/x"]
    items = [make.media() for _ in types]
    for item, content_type in zip(items, types, strict=True):
        MediaItem.objects.filter(pk=item.pk).update(content_type=content_type)
    assert ">all audio</a>" in page(admin_client, LIST)
    found = listed(admin_client, content_type__exact="audio/*")
    assert found == {items[0].pk, items[1].pk}


@pytest.mark.usefixtures("berlin")
def test_the_account_filter_shows_the_name_of_the_account(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, account_sid__exact=make.ACCOUNT)
    assert "<summary>Account: Berlin</summary>" in html


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("name", "parameter"), [("timing", "account_sid__exact"), ("retry_lab", "account_sid")]
)
def test_an_account_is_offered_by_its_name_or_else_by_its_sid(
    admin_client: Client, name: str, parameter: str
) -> None:
    make.media()
    html = page(admin_client, name, **{parameter: make.ACCOUNT})
    assert f'<option value="{make.ACCOUNT}" selected>Berlin</option>' in html
    other = make.sid("AC")
    html = page(admin_client, name, **{parameter: other})
    assert f'<option value="{other}" selected>{other}</option>' in html


def test_rejections_are_filtered_by_their_hour(admin_client: Client) -> None:
    now = timezone.now()
    for hours in (1, 50):
        hour = now - timedelta(hours=hours)
        Rejection.objects.create(reason="bad_signature", hour=hour, count=1, last_at=hour)
    assert len(listed(admin_client, "rejection", period="24h")) == 1
    assert len(listed(admin_client, "rejection")) == 2


@pytest.mark.parametrize("name", ["timing", "failures", "retry_lab"])
def test_every_page_with_a_period_offers_the_same_periods_and_dates(
    admin_client: Client, name: str
) -> None:
    html = page(admin_client, name)
    assert re.findall(r'name="period" value="(\w+)"', html) == list(PERIODS)
    assert 'value="7d" checked' in html
    assert html.count('type="datetime-local"') == 2
    html = page(admin_client, name, since="2026-03-01T12:00Z", until="2026-03-02T12:00Z")
    assert 'name="since" value="2026-03-01T12:00:00"' in html
