"""The page of a media item begins with who sent what, and ends with what happened afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mediapipe.models import Deletion, GatewayDelivery, HandOff, MediaItem, WebhookEvent
from mediapipe.models.hand_offs import Completion
from mediapipe.operations.roles import VIEWER
from tests.support import make
from tests.support.admin import SCRIPT, client_with_role, media_page, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def sent(text: str = "Here is my receipt", **event: Any) -> MediaItem:
    item = make.media()
    event = {"sender": "+15557654321", "recipient": "+15550000001", **event}
    WebhookEvent.objects.filter(pk=item.event_id).update(parameters=[["Body", text]], **event)
    return MediaItem.objects.get(pk=item.pk)


def sender_line(client: Client, item: MediaItem) -> str:
    found = re.search(r'<p class="who">(.*?)</p>', media_page(client, item), re.DOTALL)
    assert found
    return unescape(re.sub("<.*?>", "", found[1]))


def handed_off(item: MediaItem, **state: Any) -> HandOff:
    return HandOff.objects.create(media=item, receiver="webhook", ending=Completion.STORED, **state)


def test_the_page_shows_who_sent_what_to_whom(admin_client: Client) -> None:
    text = sender_line(admin_client, sent())
    assert text.startswith("Message from +15557654321 to +15550000001, ")
    assert text.endswith("“Here is my receipt”")


def test_addresses_in_sender_recipient_and_text_are_masked_for_a_viewer() -> None:
    text = sender_line(client_with_role(VIEWER), sent("Call +1 555 765 4321"))
    assert "7654321" not in re.sub(r"\D", "", text)
    assert "•" in text
    assert "“Call " in text


def test_a_long_text_is_truncated(admin_client: Client) -> None:
    assert sender_line(admin_client, sent("x" * 500)).endswith(f"{'x' * 119}…”")


def test_hostile_text_is_shown_as_text(admin_client: Client) -> None:
    assert SCRIPT not in media_page(admin_client, sent(SCRIPT, sender=SCRIPT))


def test_an_erased_webhook_still_shows_its_kind_and_time(admin_client: Client) -> None:
    item = make.media()
    WebhookEvent.objects.purge_payloads()
    assert sender_line(admin_client, item).startswith("Message, 20")


def test_the_page_links_to_the_message_in_the_twilio_console(admin_client: Client) -> None:
    item = sent()
    link = f"https://www.twilio.com/console/sms/logs/{item.event.subject_sid}"
    assert f'href="{link}"' in media_page(admin_client, item)


def test_the_page_of_a_recording_links_to_its_call_in_the_twilio_console(
    admin_client: Client,
) -> None:
    item = make.media(make.recording())
    link = f"https://www.twilio.com/console/voice/calls/logs/{item.event.call_sid}"
    assert f'href="{link}"' in media_page(admin_client, item)


def lines(client: Client, item: MediaItem) -> list[str]:
    """Return the lines below "Afterwards", without their tags and signs."""
    found = re.search(r'<ul class="followers">(.*?)</ul>', media_page(client, item), re.DOTALL)
    assert found
    words = re.sub(r'<span aria-hidden="true">.</span>|<(?!/li)[^>]*>', "", unescape(found[1]))
    return [" ".join(line.split()) for line in words.split("</li>")[:-1]]


def refused() -> dict[str, Any]:
    return {"at": "2026-07-01T12:00:00+00:00", "took_s": 0.1, "result": "HTTP 410"}


def delivered_to_app(item: MediaItem, **state: Any) -> GatewayDelivery:
    now = timezone.now()
    return GatewayDelivery.objects.create(
        event=item.event,
        entry="bot",
        holds_for_media=True,
        hold_until=now,
        received_at=now,
        sweep_at=now,
        **state,
    )


def test_deliveries_hand_offs_and_deletions_are_listed_with_state_time_and_result(
    admin_client: Client,
) -> None:
    item, at = sent(), datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    delivery = delivered_to_app(item, status="delivered", ended_at=at, media_then="1 stored")
    hand_off = handed_off(item, status="failed", log=[refused()])
    deletion = Deletion.objects.create(media=item, status="delivered", delivered_at=at)
    assert lines(admin_client, item) == [
        "delivered Delivery to the app bot, 2026-07-01 12:30:00: its media then: 1 stored",
        "failed Hand-off to the webhook, 2026-07-01 12:00:00: HTTP 410",
        "delivered Deletion at Twilio, 2026-07-01 12:30:00",
    ]
    html = media_page(admin_client, item)
    for row in (delivery, hand_off, deletion):
        assert f"/admin/mediapipe/{row._meta.model_name}/{row.pk}/change/" in html


def test_a_waiting_hand_off_is_shown_with_its_next_attempt(admin_client: Client) -> None:
    item = sent()
    handed_off(item, next_attempt_at=datetime(2026, 7, 1, 13, tzinfo=UTC))
    assert lines(admin_client, item) == [
        "waiting Hand-off to the webhook, next attempt 2026-07-01 13:00:00"
    ]


def test_a_deletion_names_what_it_waits_for(admin_client: Client) -> None:
    item = sent()
    hand_off = handed_off(item, status="failed", log=[refused()])
    delivery = delivered_to_app(item, status="refused", request="sealed")
    deletion = Deletion.objects.create(media=item, log=[refused() | {"result": "Not every one."}])
    waits = lines(admin_client, item)[-1].partition("Waits for ")[2]
    assert waits == f"delivery {delivery.pk} (refused), hand-off {hand_off.pk} (failed: HTTP 410)."
    html = media_page(admin_client, item)
    assert html.count(f"/admin/mediapipe/handoff/{hand_off.pk}/change/") == 2
    assert f">hand-off {hand_off.pk} (failed: HTTP 410)</a>" in unescape(
        page(admin_client, "mediapipe_deletion_change", deletion.pk)
    )
    HandOff.objects.update(status="delivered")
    GatewayDelivery.objects.update(request="")
    assert "Waits for" not in media_page(admin_client, item)


def test_an_item_without_later_steps_has_no_afterwards_section(admin_client: Client) -> None:
    assert "Afterwards" not in media_page(admin_client, sent())
