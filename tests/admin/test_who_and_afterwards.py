"""The page of a media item begins with who sent what, and ends with what followed."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mediapipe.models import Deletion, HandOff, MediaItem, WebhookEvent
from mediapipe.models.hand_offs import Completion
from mediapipe.operations.roles import VIEWER
from tests.support import make
from tests.support.admin import SCRIPT, media_page, someone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def sent(text: str = "Here is my receipt", **event: Any) -> MediaItem:
    item = make.media()
    event = {"sender": "+15557654321", "recipient": "+15550000001", **event}
    WebhookEvent.objects.filter(pk=item.event_id).update(parameters=[["Body", text]], **event)
    return MediaItem.objects.get(pk=item.pk)


def who(client: Client, item: MediaItem) -> str:
    found = re.search(r'<p class="who">(.*?)</p>', media_page(client, item), re.DOTALL)
    assert found
    return unescape(re.sub("<.*?>", "", found[1]))


def handed_off(item: MediaItem, **state: Any) -> HandOff:
    return HandOff.objects.create(media=item, receiver="webhook", ending=Completion.STORED, **state)


def test_it_says_who_sent_what_to_whom(admin_client: Client) -> None:
    text = who(admin_client, sent())
    assert text.startswith("Message from +15557654321 to +15550000001, ")
    assert text.endswith("“Here is my receipt”")


def test_addresses_in_all_of_it_are_masked_for_viewers() -> None:
    text = who(someone(VIEWER), sent("Call +1 555 765 4321"))
    assert "7654321" not in re.sub(r"\D", "", text)
    assert "•" in text
    assert "“Call " in text


def test_a_long_text_is_cut(admin_client: Client) -> None:
    assert who(admin_client, sent("x" * 500)).endswith(f"{'x' * 119}…”")


def test_hostile_text_is_shown_as_text(admin_client: Client) -> None:
    assert SCRIPT not in media_page(admin_client, sent(SCRIPT, sender=SCRIPT))


def test_an_erased_webhook_leaves_kind_and_time(admin_client: Client) -> None:
    item = make.media()
    WebhookEvent.objects.purge_payloads()
    assert who(admin_client, item).startswith("Message, 20")


def test_the_message_is_linked_in_the_console_of_twilio(admin_client: Client) -> None:
    item = sent()
    link = f"https://www.twilio.com/console/sms/logs/{item.event.subject_sid}"
    assert f'href="{link}"' in media_page(admin_client, item)


def test_a_recording_leads_to_its_call(admin_client: Client) -> None:
    item = make.media(make.recording())
    link = f"https://www.twilio.com/console/voice/calls/logs/{item.event.call_sid}"
    assert f'href="{link}"' in media_page(admin_client, item)


def test_what_followed_is_listed_with_its_last_answer(admin_client: Client) -> None:
    item = sent()
    refused = {"at": timezone.now().isoformat(), "took_s": 0.1, "result": "HTTP 410"}
    hand_off = handed_off(item, status="failed", log=[refused])
    deletion = Deletion.objects.create(media=item, status="delivered", delivered_at=timezone.now())
    html = media_page(admin_client, item)
    assert f"/admin/mediapipe/handoff/{hand_off.pk}/change/" in html
    assert "Hand-off to the Webhook</a>: HTTP 410" in html
    assert f"/admin/mediapipe/deletion/{deletion.pk}/change/" in html


def test_an_item_that_nothing_followed_has_no_such_section(admin_client: Client) -> None:
    assert "Afterwards" not in media_page(admin_client, sent())
