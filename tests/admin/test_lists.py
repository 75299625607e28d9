"""The lists answer operators' questions, by index, and tell no numbers to those who may not see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mediapipe.admin import search
from mediapipe.failures import TooLarge, TransientMedia404
from mediapipe.fetching.attempt import conclude
from mediapipe.models import MediaItem, Status
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import RIGHT_TO_LEFT, SCRIPT, listed, page, someone

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "mediapipe_mediaitem_changelist"


def late(at_least_s: float | None, at_most_s: float | None) -> MediaItem:
    """Return an item whose media came between these seconds after the webhook."""
    item = make.media()
    delays = {"delay_at_least_s": at_least_s, "delay_at_most_s": at_most_s}
    MediaItem.objects.filter(pk=item.pk).update(**delays)
    return item


def changed(**values: object) -> MediaItem:
    item = make.media()
    MediaItem.objects.filter(pk=item.pk).update(**values)
    return item


@pytest.mark.parametrize(("asked", "count"), [("5", 3), ("30", 2), ("300", 1), ("29.5", 3)])
def test_slower_than_counts_the_upper_bound_or_what_was_waited(
    admin_client: Client, asked: str, count: int
) -> None:
    late(0.0, 4.9)
    late(None, None)
    slowest = late(1.0, 301.0)
    late(31.0, None)
    late(20.0, 30.0)
    found = listed(admin_client, slower_than=asked)
    assert len(found) == count
    assert slowest.pk in found


def test_waiting_longer_than_is_about_what_is_still_owed(admin_client: Client) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    waits, done = make.media(at=hour_ago), make.media(at=hour_ago)
    MediaItem.objects.filter(pk=done.pk).update(status=Status.STORED)
    make.media()
    assert listed(admin_client, waiting_longer_than="600") == {waits.pk}
    assert listed(admin_client, waiting_longer_than="86400") == set()


@pytest.mark.parametrize("asked", ["x", "nan", "-1", "1e999"])
def test_a_number_that_is_none_breaks_nothing(admin_client: Client, asked: str) -> None:
    make.media()
    listed(admin_client, slower_than=asked)
    listed(admin_client, waiting_longer_than=asked)


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


def test_a_dash_asks_for_what_is_empty(admin_client: Client) -> None:
    changed(host="mms.twiliocdn.com")
    item = changed(host="")
    assert listed(admin_client, host__exact="-") == {item.pk}


def test_a_period_is_filtered_by(admin_client: Client) -> None:
    now = timezone.now()
    old, new = make.media(at=now - timedelta(days=2)), make.media(at=now - timedelta(minutes=5))
    assert listed(admin_client, period="1h") == {new.pk}
    assert listed(admin_client, period="7d") == {old.pk, new.pk}
    since, until = now - timedelta(days=3), now - timedelta(days=1)
    assert listed(admin_client, since=since.isoformat(), until=until.isoformat()) == {old.pk}
    assert listed(admin_client, "webhookevent", period="1h") == {new.event_id}


def test_a_period_that_is_none_is_said_and_shows_nothing(admin_client: Client) -> None:
    make.media()
    html = page(admin_client, LIST, since="yesterday")
    assert "is not a time; write for example" in html
    assert listed(admin_client, since="yesterday") == set()


def test_only_reasons_that_there_are_can_be_chosen(admin_client: Client) -> None:
    make.claimed().mark_failed(TooLarge(), Evidence())
    html = page(admin_client, LIST)
    assert "error__exact=too_large" in html
    assert "error__exact=gone" not in html


def test_a_pasted_media_url_leads_to_the_item(admin_client: Client) -> None:
    make.media()
    item = make.media()
    for pasted in (
        item.media_url,
        f"<{item.media_url}?x=1>",
        item.media_url.partition("Media/")[2],
    ):
        assert listed(admin_client, q=pasted) == {item.pk}


def test_the_url_of_a_message_or_recording_leads_to_its_media(admin_client: Client) -> None:
    two = make.event(make.message(2))
    recording = make.media(make.recording())
    message_url = two.media.all()[0].media_url.partition("/Media")[0]
    assert listed(admin_client, q=message_url) == {row.pk for row in two.media.all()}
    assert listed(admin_client, q=f"{recording.media_url}.mp3?RequestedChannels=2") == {
        recording.pk
    }


def test_several_sids_are_looked_for_at_once(admin_client: Client) -> None:
    first, second, _ = make.media(), make.media(make.recording()), make.media()
    pasted = f"{first.media_sid}\n{second.event.call_sid.upper()}"
    assert listed(admin_client, q=pasted) == {first.pk, second.pk}


def test_the_beginning_of_a_sid_is_enough(admin_client: Client) -> None:
    item, _ = make.media(), make.media()
    assert listed(admin_client, q=item.media_sid[:12]) == {item.pk}
    assert listed(admin_client, q=item.event.subject_sid[:12].lower()) == {item.pk}
    assert listed(admin_client, "webhookevent", q=item.event.subject_sid[:12]) == {item.event_id}


def test_an_event_is_found_by_its_media_call_conference_and_account(admin_client: Client) -> None:
    conference = make.sid("CF")
    item = make.media(make.recording(conference_sid=conference))
    make.media()
    for sid in (item.media_sid, item.event.call_sid, conference):
        assert listed(admin_client, "webhookevent", q=sid) == {item.event_id}
    assert len(listed(admin_client, "webhookevent", q=make.ACCOUNT)) == 2


def test_a_part_of_a_url_or_a_request_id_is_found_among_the_newest(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 2)
    now = timezone.now()
    for hours in (3, 2, 1):
        make.media(at=now - timedelta(hours=hours))
    MediaItem.objects.update(media_url="https://evil.example/x", twilio_request_id="RQ12345")
    assert len(listed(admin_client, q="EVIL.example")) == 2
    assert len(listed(admin_client, q="RQ12345")) == 2


@pytest.mark.parametrize("typed", ["%", "_", "\\", "a" * 10_000, "' OR 1=1 --", "日本", "ME"])
def test_strange_words_find_nothing_and_break_nothing(admin_client: Client, typed: str) -> None:
    make.media()
    assert listed(admin_client, q=typed) == set()
    assert listed(admin_client, "webhookevent", q=typed) == set()


@pytest.mark.parametrize("name", ["q", "status__exact", "error__exact", "since", "slower_than"])
def test_a_nul_in_an_address_breaks_nothing(admin_client: Client, name: str) -> None:
    make.media()
    listed(admin_client, **{name: "a\x00b"})


@pytest.mark.parametrize("typed", ["+15550000077", "15550000077", "+1 (555) 000-0077"])
@pytest.mark.parametrize("stored", ["+15550000077", "whatsapp:+15550000077"])
def test_a_phone_number_is_found_however_it_is_typed(
    admin_client: Client, typed: str, stored: str
) -> None:
    item = make.media(make.message(sender=stored))
    make.media()
    assert listed(admin_client, q=typed) == {item.pk}
    assert listed(admin_client, "webhookevent", q=typed) == {item.event_id}


LONGEST_ID = f"whatsapp:US.ENT.{'a1' * 64}"


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("whatsapp:US.13491208655302741918", "US.13491208655302741918"),
        ("whatsapp:BR.AbCdEfGh01234xyz", "BR.AbCdEfGh01234xyz"),
        (LONGEST_ID, LONGEST_ID.removeprefix("whatsapp:")),
        ("messenger:1234567890", "1234567890"),
        ("rcs:acme_agent", "rcs:acme_agent"),
        ("client:alice", "client:alice"),
        ("ada@example.com", "Ada@example.com"),
        ("dave", "dave"),
        ("ACME Ltd.", "ACME Ltd."),
    ],
)
def test_a_sender_without_a_number_is_found_by_its_address(
    admin_client: Client, stored: str, typed: str
) -> None:
    item = make.media(make.message(sender=stored))
    make.media(make.message(sender="whatsapp:US.1349"))
    for text in (stored, typed):
        assert listed(admin_client, q=text) == {item.pk}
        assert listed(admin_client, "webhookevent", q=text) == {item.event_id}


def test_a_user_id_is_found_beside_a_number(admin_client: Client) -> None:
    parent = "US.ENT.11815799212886844830"
    parameters = (("ParentExternalUserId", f"whatsapp:{parent}"),)
    item = make.media(make.message(parameters=parameters))
    make.media()
    for text in (parent, f"whatsapp:{parent}"):
        assert listed(admin_client, q=text) == {item.pk}
        assert listed(admin_client, "webhookevent", q=text) == {item.event_id}


@pytest.mark.parametrize(
    "sender", ["+15550000077", "whatsapp:US.1349abc", "US.abc", "ada@example.com", "client:alice"]
)
def test_who_may_not_see_numbers_cannot_search_by_them(sender: str) -> None:
    make.media(make.message(sender=sender))
    viewer = someone(roles.VIEWER)
    for model in ("mediaitem", "webhookevent"):
        assert listed(viewer, model, q=sender) == set()
    assert search.NO_NUMBERS in page(viewer, LIST, q=sender)


def test_who_may_not_see_numbers_finds_no_sender_by_name() -> None:
    make.media(make.message(sender="dave"))
    viewer = someone(roles.VIEWER)
    for model in ("mediaitem", "webhookevent"):
        assert listed(viewer, model, q="dave") == set()


def refused(number: str) -> MediaItem:
    """Return an item whose URL and declared type, the sender's own texts, contain the number."""
    item = make.media()
    url = f"https://evil.example/?n={number}&t=x"
    MediaItem.objects.update(media_url=url, media_sid="", declared_content_type=f"image/{number}")
    return item


def test_the_text_of_a_refused_url_does_not_reveal_a_number() -> None:
    item = refused("15552468013")
    viewer = someone(roles.VIEWER)
    for html in (page(viewer, LIST), page(viewer, "mediapipe_mediaitem_change", item.pk)):
        assert "evil.example" in html or "image/" in html
        assert "15552468013" not in html


def test_the_text_of_a_refused_url_cannot_be_guessed_by_searching() -> None:
    item = refused("15552468013")
    assert listed(someone(roles.SUPPORT), q="n=1555246") == {item.pk}
    assert listed(someone(roles.VIEWER), q="n=1555246") == set()


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
def test_a_lookup_in_the_address_does_not_tell_a_number(model: str, lookup: str) -> None:
    make.media(make.message(sender="+15550000077"))
    url = reverse(f"admin:mediapipe_{model}_changelist")
    assert someone(roles.SUPPORT).get(url, {lookup: "+1555"}).status_code == 400


def test_a_state_is_a_word_beside_its_sign(admin_client: Client) -> None:
    make.media()
    assert '<span aria-hidden="true">○</span> queued' in page(admin_client, LIST)


def test_a_delay_is_shown_as_an_interval(admin_client: Client) -> None:
    item = make.claimed()
    now = item.received_at
    MediaItem.objects.update(
        last_not_found_at=now + timedelta(seconds=1.04), found_at=now + timedelta(seconds=3.2)
    )
    assert "1.0 s to 3.2 s" in page(admin_client, LIST)


def test_a_time_is_shown_with_its_offset(admin_client: Client) -> None:
    make.media()
    assert "+00:00" in page(admin_client, LIST)


def test_a_waiting_item_says_when_its_next_attempt_is_due(admin_client: Client) -> None:
    conclude(make.claimed(), TransientMedia404(), Evidence(http_status=404))
    MediaItem.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=3600.5))
    assert "in 1 h" in page(admin_client, LIST)


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


def test_no_list_reads_the_different_values_of_a_whole_table(admin_client: Client) -> None:
    make.media()
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, LIST)
    assert not any("DISTINCT" in query["sql"] for query in captured)
