"""Twilio's lists, served by a mock server from Twilio's own OpenAPI description."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from mediapipe.failures import UnexpectedResponse
from mediapipe.providers.base import Kind
from mediapipe.providers.twilio.accounts import Account
from mediapipe.webhooks.reconciliation.twilio_lists import TwilioLists
from tests.support.prism import prism

ACCOUNT = "AC" + "a" * 32
SINCE, UNTIL = datetime(2019, 5, 24, tzinfo=UTC), datetime(2019, 5, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with prism("twilio_lists.openapi.json") as origin:
        yield origin


@pytest.fixture
def lists(mock: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> TwilioLists:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_client.MAX_ATTEMPTS", 1)
    settings.TWILIO_API_HOSTS = [mock]
    settings.TWILIO_API_URL = mock
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    return TwilioLists(Account(ACCOUNT, ("token",)))


def test_recordings_are_parsed_from_twilios_list(lists: TwilioLists) -> None:
    ((subject,),) = lists.recordings(SINCE, UNTIL)
    assert (subject.kind, subject.sid) == (Kind.RECORDING, "RE" + "a" * 32)
    assert subject.created_at == datetime(2016, 10, 14, 21, 56, 34, tzinfo=UTC)
    message = subject.load()
    assert message is not None
    assert [item.media_sid for item in message.media] == [subject.sid]
    assert message.media[0].failure is None


def test_a_message_with_media_is_parsed_from_twilios_list(lists: TwilioLists) -> None:
    # The other message in the description has no media.
    (subject,) = next(lists.messages(SINCE, UNTIL))
    assert (subject.kind, subject.media) == (Kind.MESSAGE, 3)
    assert subject.created_at == datetime(2019, 5, 24, 17, 44, 46, tzinfo=UTC)
    message = subject.load()
    assert message is not None
    assert message.subject_sid == subject.sid
    (item,) = message.media
    assert (item.media_sid, item.declared_content_type) == ("ME" + "a" * 32, "image/jpeg")
    assert item.failure is None


def test_pages_are_followed_until_they_form_a_loop(lists: TwilioLists) -> None:
    pages = lists.messages(SINCE, UNTIL)
    first, second = next(pages), next(pages)
    assert [subject.sid for subject in first] == [subject.sid for subject in second]
    # In the description, the first page is its own next page.
    with pytest.raises(UnexpectedResponse, match="form a loop"):
        next(pages)
