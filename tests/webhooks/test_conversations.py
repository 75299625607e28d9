"""What is recorded of a conversation's webhooks, and the response to Twilio within 5 seconds."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from mediapipe.models import MediaItem, Rejection, RepeatedWebhook, WebhookEvent
from mediapipe.providers.base import Kind
from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.webhooks import PATHS
from mediapipe.webhooks.spool import depth
from tests.support import make
from tests.support.webhooks import ORIGIN, send

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]

PRE_HOOKS = [
    *("onMessageAdd", "onMessageUpdate", "onMessageRemove"),
    *("onConversationAdd", "onConversationUpdate", "onConversationRemove"),
    *("onParticipantAdd", "onParticipantUpdate", "onParticipantRemove", "onUserUpdate"),
]
POST_HOOKS = ["onMessageUpdated", "onConversationAdded", "onDeliveryUpdated", "onUserAdded"]


def conversation(count: int = 1, **options: Any) -> Webhook:
    return payloads.conversation(count, account_sid=make.ACCOUNT, **options)


def event(name: str) -> Webhook:
    return payloads.conversation_event(name, account_sid=make.ACCOUNT)


def test_a_picture_is_recorded_published_and_answered(published: list[int]) -> None:
    webhook = conversation()
    answer = send(webhook)
    assert (answer.status_code, answer.json()) == (200, {})
    recorded = WebhookEvent.objects.get()
    assert (recorded.kind, recorded.source) == (Kind.CONVERSATION, "conversations")
    assert recorded.subject_sid == webhook["MessageSid"]
    assert recorded.conversation_sid == webhook["ConversationSid"]
    assert recorded.sender == webhook["Author"]
    assert published == [recorded.media.get().pk]


def test_the_item_has_the_declared_metadata_and_the_url_of_the_media_service() -> None:
    webhook = conversation(content_type="image/png", size=4321)
    send(webhook)
    item, (script,) = MediaItem.objects.get(), webhook.media
    assert item.media_url == f"https://mcs.us1.twilio.com{script.path}"
    assert (item.identity, item.media_sid) == (script.sid, script.sid)
    assert (item.declared_content_type, item.declared_size) == ("image/png", 4321)


def test_the_media_url_uses_the_configured_region(settings: Settings) -> None:
    settings.TWILIO_MCS_URL = "https://mcs.ie1.twilio.com"
    send(conversation())
    assert MediaItem.objects.get().media_url.startswith("https://mcs.ie1.twilio.com/v1/Services/IS")


def test_each_attachment_of_a_message_is_recorded_as_its_own_item() -> None:
    webhook = conversation(3)
    send(webhook)
    sids = set(MediaItem.objects.values_list("media_sid", flat=True))
    assert sids == {script.sid for script in webhook.media}


def test_a_text_message_is_recorded_with_nothing_to_fetch(published: list[int]) -> None:
    assert send(conversation(0)).status_code == 200
    assert WebhookEvent.objects.get().kind == Kind.CONVERSATION
    assert published == []


def test_a_message_sent_twice_is_recorded_as_one_event() -> None:
    webhook = conversation()
    send(webhook)
    send(webhook.changed(RetryCount="1"), method="GET")
    assert WebhookEvent.objects.get().repeats == 1
    assert RepeatedWebhook.objects.count() == 1
    assert MediaItem.objects.count() == 1


@pytest.mark.parametrize("name", [*PRE_HOOKS, *POST_HOOKS])
def test_other_events_are_answered_and_not_recorded(name: str) -> None:
    answer = send(event(name))
    assert (answer.status_code, answer.json()) == (200, {})
    assert not WebhookEvent.objects.exists()
    assert not Rejection.objects.exists()


@pytest.mark.parametrize("name", PRE_HOOKS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_pre_hook_with_a_wrong_signature_is_answered_200_and_counted_as_refused(
    name: str, method: Any
) -> None:
    answer = send(event(name), method=method, signature="wrong")
    assert (answer.status_code, answer.json()) == (200, {})
    assert not WebhookEvent.objects.exists()
    assert Rejection.objects.get().reason == "signature_wrong"


@pytest.mark.parametrize("name", ["onMessageAdded", *POST_HOOKS])
def test_a_post_hook_without_a_signature_is_refused(name: str) -> None:
    assert send(event(name), signature="none").status_code == 403
    assert not WebhookEvent.objects.exists()


def test_a_pre_hook_is_answered_200_and_not_spooled_during_a_database_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("A pre-hook needs no database.")

    monkeypatch.setattr("mediapipe.webhooks.record.record", fail)
    assert send(event("onMessageAdd")).status_code == 200
    assert depth() == 0


def test_a_message_webhook_at_the_conversations_url_is_refused() -> None:
    answer = send(payloads.mms(account_sid=make.ACCOUNT), "/webhooks/twilio/conversations/")
    assert (answer.status_code, answer.json()["error"]) == (400, "event_type")


def test_media_without_a_chat_service_sid_is_recorded_as_failed() -> None:
    send(conversation().without("ChatServiceSid"))
    item = MediaItem.objects.get()
    assert (item.status, item.error) == ("failed", "url_missing")
    assert item.detail == "ChatServiceSid is missing"


def test_the_media_sid_key_of_event_streams_is_accepted() -> None:
    webhook = conversation()
    send(webhook.changed(Media=webhook["Media"].replace('"Sid"', '"MediaSid"')))
    assert MediaItem.objects.get().media_sid == webhook.media[0].sid


@pytest.mark.parametrize("size", [0, -1, "123", None, 1.5, True, 10**30])
def test_an_invalid_media_size_is_ignored(size: object) -> None:
    webhook = conversation()
    (entry,) = json.loads(webhook["Media"])
    send(webhook.changed(Media=json.dumps([entry | {"Size": size}])))
    assert MediaItem.objects.get().declared_size is None


def test_a_conversation_orchestrator_webhook_is_refused_and_counted() -> None:
    # Conversation Orchestrator sends JSON; Twilio signs the hash of the body in the query.
    body = json.dumps({"eventType": "COMMUNICATION_CREATED"})
    path = f"{PATHS['conversations']}?bodySHA256={sha256(body.encode()).hexdigest()}"
    signature = RequestValidator(make.TOKEN).compute_signature(ORIGIN + path, {})
    answer = Client().post(
        path, body, content_type="application/json", headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 403
    assert [rejection.reason for rejection in Rejection.objects.all()] == ["account_sid"]
    assert not WebhookEvent.objects.exists()
