"""The page of a media item: its summary, its timeline, and its file as far as it can be shown."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediapipe.admin.summary import media_summary
from mediapipe.admin.timeline import MARK_WIDTH, NARROW, WIDE, Timeline
from mediapipe.failures import RecordingSilent, TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem, Status
from mediapipe.operations import roles
from mediapipe.providers.base import AnnouncedMedia, Evidence
from tests.support import make
from tests.support.admin import RIGHT_TO_LEFT, SCRIPT, client_with_role, media_page
from tests.support.attempts import at, attempt, stored
from tests.support.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LATE = Evidence(http_status=404, error_code=20404, request_id="RQ0123456789")


def late(after_s: float = 1.0, count: int = 1) -> MediaItem:
    """Return an item that got `count` 404s a second apart, the first after `after_s` seconds."""
    item = make.media(at=NOON)
    for number in range(count):
        with at(after_s + number):
            conclude(attempt(item, after_s + number), TransientMedia404(), LATE)
    item.refresh_from_db()
    return item


def svgs(html: str) -> list[str]:
    return re.findall(r'<svg class="timeline.*?</svg>', html, re.DOTALL)


def test_the_summary_of_a_late_picture_names_its_time_attempts_and_404s() -> None:
    item = stored(late(count=2), 4.8)
    assert media_summary(item) == (
        "Stored 4.8 s after the webhook, at the 3rd attempt; Twilio responded 404 twice."
    )


def test_the_summary_of_a_prompt_picture_mentions_no_404() -> None:
    assert media_summary(stored(make.media(at=NOON), 0.42)) == (
        "Stored 0.42 s after the webhook, at the 1st attempt."
    )


def test_the_summary_of_a_waiting_item_states_when_the_next_attempt_is_due() -> None:
    item = late(count=3)
    item.next_attempt_at = NOON + timedelta(seconds=19)
    assert media_summary(item, NOON + timedelta(seconds=12)) == (
        "Not stored yet, 12 s after the webhook and after 3 attempts; Twilio responded 404 "
        "3 times. Next attempt in 7.0 s."
    )


def test_the_summary_of_a_failed_item_states_its_attempts_and_when_it_failed() -> None:
    item = make.media(at=NOON)
    with at(90):
        attempt(item, 90).mark_failed(TooLarge(), Evidence(http_status=200))
    item.refresh_from_db()
    assert media_summary(item) == "Failed after 1 attempt, 1 min 30 s after the webhook."


def test_the_summary_of_an_absent_item_states_that_there_never_was_a_file() -> None:
    silent = AnnouncedMedia(identity=make.sid("RE"), url="", failure=RecordingSilent())
    item = make.media(make.recording(media=(silent,)))
    assert media_summary(item) == "There is no file, and there never was one."


def test_the_summary_of_an_item_without_attempts_states_how_long_it_has_waited() -> None:
    item = make.media(at=NOON)
    assert media_summary(item, NOON + timedelta(seconds=3)) == (
        "Waiting for its first attempt, 3.0 s after the webhook."
    )


def test_the_summary_of_a_retried_item_counts_its_earlier_attempts(admin_client: Client) -> None:
    item = late()
    MediaItem.objects.filter(pk=item.pk).update(status=Status.FAILED)
    MediaItem.objects.filter(pk=item.pk).retry()
    item.refresh_from_db()
    assert media_summary(item).startswith("Retried after 1 attempt")


@pytest.mark.parametrize("status", Status.values)
def test_every_state_has_a_summary_and_a_page(admin_client: Client, status: str) -> None:
    item = late()
    MediaItem.objects.update(status=status)
    item.refresh_from_db()
    assert media_summary(item).endswith(".")
    assert status in media_page(admin_client, item)


def test_every_step_is_in_the_table_with_its_evidence(admin_client: Client) -> None:
    html = media_page(admin_client, stored(late(count=2), 4.8))
    for text in ("webhook received", "+1.000 s", "+2.000 s", "+4.800 s", "stored and verified"):
        assert text in html
    for text in ("not_ready", "404", "20404", "RQ0123456789", "celery@here"):
        assert text in html


def test_a_reason_links_to_its_explanation(admin_client: Client) -> None:
    assert f'href="{reverse("admin:reasons")}#not_ready"' in media_page(admin_client, late())


def test_the_timeline_is_drawn_for_wide_and_for_narrow_screens(admin_client: Client) -> None:
    drawn = svgs(media_page(admin_client, stored(late(count=2), 4.8)))
    assert [re.findall(r'viewBox="0 0 (\d+)', svg) for svg in drawn] == [[str(WIDE)], [str(NARROW)]]
    for svg in drawn:
        ElementTree.fromstring(svg)  # noqa: S314  (our own template)
        assert "<title" in svg
        assert "<desc" in svg
        assert "style=" not in svg


def test_later_events_are_drawn_further_right() -> None:
    item = stored(late(count=3), 4.8)
    marks = Timeline.from_media(item, list(item.attempt_set.all())).marks
    assert [mark.kind for mark in marks] == ["receipt", *["missing"] * 3, "found", "stored"]
    positions = [mark.x for mark in marks]
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] < WIDE


def test_the_interval_lies_between_the_last_404_and_the_first_other_response() -> None:
    item = stored(late(count=3), 4.8)
    timeline = Timeline.from_media(item, list(item.attempt_set.all()))
    assert timeline.available is not None
    assert timeline.available.x == timeline.marks[3].x
    # The mark may have been moved away from that of the stored file.
    end = timeline.available.x + timeline.available.width
    assert end == pytest.approx(timeline.marks[4].x, abs=MARK_WIDTH)


@pytest.mark.parametrize("attempts", [0, 1, 200])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_labels_do_not_overlap(attempts: int, width: int) -> None:
    item = make.media(at=NOON)
    for number in range(1, attempts + 1):
        started = NOON + timedelta(seconds=30 * number)
        item.attempt_set.create(number=number, phase="fast", started_at=started, http_status=404)
    timeline = Timeline.from_media(item, list(item.attempt_set.all()), width)
    for level in (0, 1):
        positions = [mark.x for mark in timeline.marks if mark.label and mark.level == level]
        gaps = [later - sooner for sooner, later in pairwise(positions)]
        assert all(gap > 30 for gap in gaps)


def test_siblings_and_other_media_of_the_call_are_linked(admin_client: Client) -> None:
    two = list(make.event(make.message(2)).media.all())
    call = make.sid("CA")
    first = make.media(make.recording(call_sid=call))
    second = make.media(make.recording(call_sid=call))
    assert _link(two[1]) in media_page(admin_client, two[0])
    assert _link(second) in media_page(admin_client, first)
    assert _link(two[0]) not in media_page(admin_client, first)


def test_only_the_page_of_an_unfinished_item_refreshes_automatically(
    admin_client: Client,
) -> None:
    item = late()
    html = media_page(admin_client, item)
    assert 'data-refresh="2"' in html
    assert "mediapipe/refresh.js" in html
    assert ">Refresh</a>" in html
    assert "data-refresh" not in media_page(admin_client, stored(item, 9))


def test_only_users_who_may_retry_see_the_retry_button() -> None:
    item = make.claimed()
    item.mark_failed(TooLarge(), Evidence())
    url = reverse("admin:mediapipe_mediaitem_retry", args=[item.pk])
    assert url in media_page(client_with_role(roles.SUPPORT), item)
    assert url not in media_page(client_with_role(roles.VIEWER), item)


def test_an_item_that_does_not_exist_is_not_found(admin_client: Client) -> None:
    for number in ("999", "x", "1_2F"):
        url = reverse("admin:mediapipe_mediaitem_change", args=[number])
        assert admin_client.get(url).status_code == 404


def test_hostile_text_is_shown_as_text_everywhere_on_the_page(admin_client: Client) -> None:
    item = late()
    texts = ("detail", "media_url", "declared_content_type", "content_type", "storage_name")
    for text in (SCRIPT, f'"><img src=x onerror=alert(1)>{RIGHT_TO_LEFT}'):
        hostile = dict.fromkeys((*texts, "host"), text)
        MediaItem.objects.update(status=Status.STORED, size=3, **hostile)
        short = {"twilio_request_id": text, "worker": text, "redirect_host": text}
        item.attempt_set.update(detail=text, **short)
        html = media_page(admin_client, item)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "\u202e" not in html


def test_many_attempts_and_siblings_cost_no_more_queries_than_few(admin_client: Client) -> None:
    few, many = make.event(make.message(2)), make.event(make.message(20))
    item = many.media.first()
    assert item is not None
    for number in range(1, 30):
        item.attempt_set.create(number=number, phase="fast", started_at=NOON, task_id=f"t{number}")
    small = few.media.first()
    assert small is not None
    small.attempt_set.create(number=1, phase="fast", started_at=NOON, task_id="t0")
    assert _queries(admin_client, item) == _queries(admin_client, small)


def _link(item: MediaItem) -> str:
    return f'href="{reverse("admin:mediapipe_mediaitem_change", args=[item.pk])}"'


def _queries(client: Client, item: MediaItem) -> int:
    with CaptureQueriesContext(connection) as captured:
        media_page(client, item)
    return len(captured)
