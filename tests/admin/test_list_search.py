"""The search finds SIDs, URLs and senders, and reveals no number to those who may not see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mediapipe.admin import search
from mediapipe.models import MediaItem
from mediapipe.operations import roles
from tests.support import make
from tests.support.admin import client_with_role, listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "mediapipe_mediaitem_changelist"


def test_a_pasted_media_url_finds_the_item(admin_client: Client) -> None:
    make.media()
    item = make.media()
    for pasted in (
        item.media_url,
        f"<{item.media_url}?x=1>",
        item.media_url.partition("Media/")[2],
    ):
        assert listed(admin_client, q=pasted) == {item.pk}


def test_the_url_of_a_message_or_recording_finds_its_media(admin_client: Client) -> None:
    two = make.event(make.message(2))
    recording = make.media(make.recording())
    message_url = two.media.all()[0].media_url.partition("/Media")[0]
    assert listed(admin_client, q=message_url) == {row.pk for row in two.media.all()}
    assert listed(admin_client, q=f"{recording.media_url}.mp3?RequestedChannels=2") == {
        recording.pk
    }


def test_one_search_finds_the_items_of_several_sids(admin_client: Client) -> None:
    first, second, _ = make.media(), make.media(make.recording()), make.media()
    pasted = f"{first.media_sid}\n{second.event.call_sid.upper()}"
    assert listed(admin_client, q=pasted) == {first.pk, second.pk}


def test_an_item_or_event_is_found_by_the_beginning_of_a_sid(admin_client: Client) -> None:
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


def test_part_of_a_url_or_a_request_id_is_found_among_the_newest_items(
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
def test_unusual_search_terms_find_nothing_and_cause_no_error(
    admin_client: Client, typed: str
) -> None:
    make.media()
    assert listed(admin_client, q=typed) == set()
    assert listed(admin_client, "webhookevent", q=typed) == set()


@pytest.mark.parametrize("name", ["q", "status__exact", "error__exact", "since", "slower_than"])
def test_a_nul_character_in_a_query_parameter_causes_no_error(
    admin_client: Client, name: str
) -> None:
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


def test_a_search_for_a_number_without_its_country_code_shows_a_hint(admin_client: Client) -> None:
    make.media(make.message(sender="+15550000077"))
    assert "with its country code, such as +1 555" in page(admin_client, LIST, q="(555) 000-0077")
    assert "with its country" not in page(admin_client, LIST, status__exact="failed")


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


def test_a_recording_is_found_by_its_caller_once_the_action_has_arrived(
    admin_client: Client,
) -> None:
    callback = make.recording()
    item = make.media(callback)
    html = page(admin_client, LIST, q="+15557654321")
    assert "The status callback of a recording has no number" in html
    make.event(replace(callback, sender="+15557654321"))
    assert listed(admin_client, q="+15557654321") == {item.pk}


def test_an_item_and_its_event_are_found_by_the_parent_user_id(admin_client: Client) -> None:
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
def test_a_viewer_cannot_search_by_sender_address_and_sees_why(sender: str) -> None:
    make.media(make.message(sender=sender))
    viewer = client_with_role(roles.VIEWER)
    for model in ("mediaitem", "webhookevent"):
        assert listed(viewer, model, q=sender) == set()
    assert search.NO_NUMBERS in page(viewer, LIST, q=sender)


def test_a_viewer_cannot_find_a_sender_by_name() -> None:
    make.media(make.message(sender="dave"))
    viewer = client_with_role(roles.VIEWER)
    for model in ("mediaitem", "webhookevent"):
        assert listed(viewer, model, q="dave") == set()


def refused(number: str) -> MediaItem:
    """Return an item whose URL and declared type, both chosen by the sender, contain the number."""
    item = make.media()
    url = f"https://evil.example/?n={number}&t=x"
    MediaItem.objects.update(media_url=url, media_sid="", declared_content_type=f"image/{number}")
    return item


def test_the_text_of_a_refused_url_does_not_reveal_a_number() -> None:
    item = refused("15552468013")
    viewer = client_with_role(roles.VIEWER)
    for html in (page(viewer, LIST), page(viewer, "mediapipe_mediaitem_change", item.pk)):
        assert "evil.example" in html or "image/" in html
        assert "15552468013" not in html


def test_the_text_of_a_refused_url_cannot_be_guessed_by_searching() -> None:
    item = refused("15552468013")
    assert listed(client_with_role(roles.SUPPORT), q="n=1555246") == {item.pk}
    assert listed(client_with_role(roles.VIEWER), q="n=1555246") == set()
