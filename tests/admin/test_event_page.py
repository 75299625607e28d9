"""The page of an event shows the webhook as received; numbers only if the user may see them."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.test import Client

from mediapipe.models import WebhookEvent
from mediapipe.operations import roles
from tests.support import make
from tests.support.admin import ESCAPED, RIGHT_TO_LEFT, SCRIPT, client_with_role, page
from tests.support.payloads import twilio

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# Every number of the captured webhooks.
NUMBERS = re.compile(r"1?5550000\d{3}|14155238886")
CAPTURED = {**twilio.MESSAGES, "action": twilio.RECORD_VERB_ACTION, "text": twilio.TRANSCRIPTION}
PAGE, LIST = "mediapipe_webhookevent_change", "mediapipe_webhookevent_changelist"


def received(body: str) -> WebhookEvent:
    parameters = tuple(parse_qsl(body, keep_blank_values=True))
    named = dict(parameters)
    sender, recipient = named.get("From", ""), named.get("To", "")
    message = make.message(parameters=parameters, sender=sender, recipient=recipient)
    return make.event(message)


@pytest.mark.parametrize("body", CAPTURED.values(), ids=list(CAPTURED))
def test_a_viewer_sees_no_number_of_any_captured_webhook(body: str) -> None:
    html = unescape(page(client_with_role(roles.VIEWER), PAGE, received(body).pk))
    assert NUMBERS.findall(html) == []
    assert "Phone numbers and other personal addresses are masked" in html


def test_support_sees_numbers_as_received() -> None:
    html = page(client_with_role(roles.SUPPORT), PAGE, received(twilio.WHATSAPP_TEXT).pk)
    assert html.count("whatsapp:+15550000002") == 2
    assert "Phone numbers and other personal addresses are masked" not in html


def test_a_viewer_sees_no_id_of_a_whatsapp_user_without_a_number() -> None:
    html = unescape(
        page(client_with_role(roles.VIEWER), PAGE, received(twilio.WHATSAPP_WITHOUT_NUMBER).pk)
    )
    assert twilio.USER_ID[3:11] not in html
    assert "118157" not in html


def test_a_redelivery_shows_its_changed_parameters_and_collapses_the_rest() -> None:
    first = (("Body", "a"), ("From", "x"), ("To", "y"))
    event = make.event(make.message(parameters=first))
    later = (("Body", "a"), ("From", "x"), ("ErrorCode", "30008"))
    make.event(make.message(subject_sid=event.subject_sid, parameters=later))
    html = page(client_with_role(roles.SUPPORT), PAGE, event.pk).partition('id="repeated-heading"')[
        2
    ]
    different, _, same = html.partition("<summary>2 parameters as above</summary>")
    assert re.findall(r'<th scope="row">(\w+)', different) == ["ErrorCode", "To"]
    assert "(missing)" in different
    assert re.findall(r'<th scope="row">(\w+)', same) == ["Body", "From"]


def test_numbers_in_later_webhooks_are_masked_for_a_viewer() -> None:
    event = make.event(make.message(parameters=(("Body", "a"),)))
    again = make.message(subject_sid=event.subject_sid, parameters=(("Caller", "+15550000009"),))
    make.event(again)
    html = page(client_with_role(roles.VIEWER), PAGE, event.pk)
    assert "Caller" in html
    assert NUMBERS.findall(html) == []


def test_a_number_in_a_parameter_name_is_masked_for_a_viewer() -> None:
    event = make.event(make.message(parameters=(("+15550000009", "x"),)))
    assert NUMBERS.findall(page(client_with_role(roles.VIEWER), PAGE, event.pk)) == []


def test_every_parameter_is_shown_in_the_order_received(admin_client: Client) -> None:
    html = unescape(page(admin_client, PAGE, received(twilio.MMS_THREE_PICTURES).pk))
    names = [name for name, _ in parse_qsl(twilio.MMS_THREE_PICTURES, keep_blank_values=True)]
    assert re.findall(r'<tr><th scope="row">(\w+)</th>', html)[-len(names) :] == names


def test_duplicates_are_counted(admin_client: Client) -> None:
    message = make.message()
    event = make.event(message)
    assert "never" in page(admin_client, PAGE, event.pk)
    make.event(message)
    make.event(message)
    assert "2 times, last" in page(admin_client, PAGE, event.pk)


def test_the_page_states_that_an_event_announced_no_media(admin_client: Client) -> None:
    event = make.event(make.message(media=()))
    assert "announced no media" in page(admin_client, PAGE, event.pk)


@pytest.mark.parametrize("role", [roles.VIEWER, roles.SUPPORT])
def test_hostile_names_values_and_numbers_are_shown_as_text(role: str) -> None:
    hostile = make.message(
        sender=SCRIPT,
        recipient=f"whatsapp:{RIGHT_TO_LEFT}",
        parameters=((SCRIPT, SCRIPT), ("ProfileName", RIGHT_TO_LEFT), ("Body", "=1+1\x1b[31m")),
    )
    html = page(client_with_role(role), PAGE, make.event(hostile).pk)
    assert SCRIPT not in html
    assert html.count(ESCAPED) >= 2
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_the_message_text_is_among_the_facts_and_masked_for_a_viewer() -> None:
    event = received("Body=Call+me+at+%2B15550001234&From=%2B15550000001")
    facts = page(client_with_role(roles.SUPPORT), PAGE, event.pk).partition(
        'id="parameters-heading"'
    )[0]
    assert "<dd>Call me at +15550001234</dd>" in facts
    assert "+15550001234" not in page(client_with_role(roles.VIEWER), PAGE, event.pk)


def test_the_list_shows_media_states_and_the_sender_masked_for_a_viewer() -> None:
    event = make.event(make.message(3, sender="+15550000077"))
    event.media.filter(pk=event.media.latest("pk").pk).update(status="stored")
    html = page(client_with_role(roles.SUPPORT), LIST)
    assert re.findall(r"field-(?:full_sender|media_states)[^>]*>([^<]+)<", html) == [
        "+15550000077",
        "2 queued, 1 stored",
    ]
    assert "+15550000077" not in page(client_with_role(roles.VIEWER), LIST)
