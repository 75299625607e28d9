"""Hand-offs and the API contain sender, recipient and text only if SHARE_SENDER_AND_TEXT is set."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from kombu import Producer
from pytest_django import DjangoAssertNumQueries, Settings

from mediapipe.api.description import description
from mediapipe.celery import app
from mediapipe.lifecycle.export import KEYS, MESSAGE_KEYS, media_line
from mediapipe.models import ApiToken, HandOff, MediaItem, WebhookEvent
from tasks.hand_off import hand_off
from tests.support import make
from tests.support.notifications import SECRET
from tests.support.receivers import FakeServer, web_server

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SENDER, RECIPIENT, TEXT = "+15559871298", "+15550000001", "Is this the one?"
MESSAGE = {"sender": SENDER, "recipient": RECIPIENT, "text": TEXT}
NO_MESSAGE = dict.fromkeys(MESSAGE_KEYS)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[FakeServer]:
    """Run a receiver that responds to the first hand-off attempt with 503."""
    with web_server(503, 200) as server:
        settings.HANDOFF_WEBHOOK_URL, settings.HANDOFF_WEBHOOK_SECRETS = server.url, [SECRET]
        yield server


@pytest.fixture
def shared(settings: Settings) -> None:
    settings.SHARE_SENDER_AND_TEXT = True


@pytest.fixture
def api(client: Client) -> Client:
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {ApiToken.make('crm')}"
    return client


def stored() -> MediaItem:
    """Return the stored picture of a message with a text."""
    message = make.message(sender=SENDER, recipient=RECIPIENT, parameters=(("Body", TEXT),))
    return make.store(make.claimed(message))


def sent(receiver: FakeServer) -> Any:
    """Return the data of the last attempt."""
    return json.loads(receiver.requests[-1].body)["data"]


def make_next_attempt() -> None:
    """Make the attempt that follows a failed one."""
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        hand_off()


def forget() -> None:
    User.objects.create_user("ada")
    arguments = ("--number", SENDER, "--by", "ada", "--noinput")
    call_command("forget", *arguments, stdout=StringIO())


def test_hand_offs_and_api_omit_sender_and_text_by_default(
    receiver: FakeServer, api: Client
) -> None:
    item = stored()
    hand_off()
    assert sent(receiver).keys() == {"id", *KEYS}
    assert api.get(f"/api/v1/media/{item.pk}").json().keys() == {"id", *KEYS}
    assert not description()["components"]["schemas"]["Media"]["properties"].keys() & NO_MESSAGE


@pytest.mark.usefixtures("shared")
def test_each_attempt_of_a_hand_off_ends_with_sender_recipient_and_text(
    receiver: FakeServer,
) -> None:
    stored()
    hand_off()
    make_next_attempt()
    first, second = (json.loads(sent.body)["data"] for sent in receiver.requests)
    assert first == second
    assert list(first.items())[-3:] == list(MESSAGE.items())


@pytest.mark.usefixtures("shared")
def test_the_task_receives_sender_recipient_and_text(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Any] = []

    def send_task(name: str, kwargs: Any, producer: Producer, **options: Any) -> None:
        published.append(kwargs["media"])

    settings.ON_STORED_TASK = "crm.tasks.archive"
    monkeypatch.setattr(app, "send_task", send_task)
    stored()
    hand_off()
    assert [media.items() >= MESSAGE.items() for media in published] == [True]


@pytest.mark.usefixtures("shared")
def test_the_api_includes_sender_and_text_without_a_query_per_item(
    api: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    item, _ = stored(), stored()
    assert api.get(f"/api/v1/media/{item.pk}").json().items() >= MESSAGE.items()
    with django_assert_max_num_queries(3):
        listed = api.get("/api/v1/media").json()["media"]
    assert [each.items() >= MESSAGE.items() for each in listed] == [True, True]


@pytest.mark.usefixtures("shared")
def test_the_api_description_lists_sender_and_text_in_the_order_sent() -> None:
    described = description()["components"]["schemas"]["Media"]["required"]
    assert described == ["id", *KEYS, *MESSAGE_KEYS]


@pytest.mark.usefixtures("shared")
def test_a_recording_has_no_text(api: Client) -> None:
    item = make.store(make.claimed(make.recording()))
    assert api.get(f"/api/v1/media/{item.pk}").json()["text"] is None


@pytest.mark.usefixtures("shared")
def test_an_export_omits_sender_and_text() -> None:
    assert media_line(stored()).keys() == set(KEYS)


@pytest.mark.usefixtures("shared")
def test_a_waiting_hand_off_does_not_store_sender_and_text(receiver: FakeServer) -> None:
    stored()
    hand_off()
    waiting = HandOff.objects.get()
    assert sent(receiver)["text"] == TEXT
    assert not [value for value in MESSAGE.values() if value in json.dumps(waiting.payload)]


@pytest.mark.usefixtures("shared")
def test_after_forget_no_hand_off_is_sent_and_the_api_omits_sender_and_text(
    receiver: FakeServer, api: Client
) -> None:
    item = stored()
    hand_off()
    forget()
    make_next_attempt()
    assert len(receiver.requests) == 1
    assert api.get(f"/api/v1/media/{item.pk}").json().items() >= NO_MESSAGE.items()


@pytest.mark.usefixtures("shared")
def test_sender_and_text_are_not_shared_after_an_interrupted_erasure(
    receiver: FakeServer, api: Client
) -> None:
    item = stored()
    hand_off()
    # This is the first step of an erasure; payloads are deleted last.
    WebhookEvent.objects.mark_erased()
    make_next_attempt()
    assert sent(receiver).items() >= NO_MESSAGE.items()
    assert api.get(f"/api/v1/media/{item.pk}").json().items() >= NO_MESSAGE.items()


@pytest.mark.usefixtures("shared")
def test_a_retry_after_the_payload_was_purged_omits_sender_and_text(receiver: FakeServer) -> None:
    stored()
    hand_off()
    WebhookEvent.objects.purge_payloads()
    make_next_attempt()
    assert sent(receiver).items() >= NO_MESSAGE.items()


def test_a_retry_after_the_setting_was_turned_off_omits_sender_and_text(
    receiver: FakeServer, settings: Settings
) -> None:
    settings.SHARE_SENDER_AND_TEXT = True
    stored()
    hand_off()
    settings.SHARE_SENDER_AND_TEXT = False
    make_next_attempt()
    assert sent(receiver).keys() == {"id", *KEYS}


@pytest.mark.usefixtures("shared")
def test_sender_and_text_quoted_in_a_response_are_not_logged_or_stored(
    receiver: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [(422, f"{SENDER} wrote {TEXT}")]
    stored()
    hand_off()
    kept = caplog.text + json.dumps(HandOff.objects.get().log)
    assert "422" in kept
    assert not [value for value in MESSAGE.values() if value in kept]
