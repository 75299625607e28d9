"""Media of a conversation in two steps: metadata with credentials, then its link without them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from mediapipe import providers
from mediapipe.lifecycle.export import media_line
from mediapipe.models import FetchAttempt, MediaItem, Status
from mediapipe.providers.base import Link, NotFoundCause, Response
from mediapipe.providers.twilio.media import link_in_metadata
from mediapipe.simulator import Simulator, faults, payloads
from mediapipe.simulator.script import MediaScript
from tests.support import make
from tests.support.fetching import attempt, stored_files
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]


def announced(twilio: Simulator, **options: Any) -> tuple[MediaItem, MediaScript]:
    """Receive a picture in a conversation; return its item and script. Its delay has not begun."""
    webhook = payloads.conversation(1, account_sid=make.ACCOUNT, **options)
    (script,) = webhook.media
    twilio.state.register(script)
    assert send(webhook).status_code == 200
    return MediaItem.objects.get(), script


def attempt_now(item: MediaItem) -> str:
    """Make the next attempt now, whenever it is due; return its outcome."""
    MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=item.received_at)
    return attempt(item)


def test_a_picture_is_stored_with_the_bytes_that_were_served(twilio: Simulator) -> None:
    item, script = announced(twilio)
    assert attempt(item) == "stored"
    with storages["media"].open(item.storage_name) as file:
        assert file.read() == script.body
    assert (item.sha256, item.content_type) == (script.sha256, "image/jpeg")
    assert twilio.log.statuses_of(script.sid) == [200, 200]


def test_credentials_are_sent_only_with_the_metadata_request(twilio: Simulator) -> None:
    item, script = announced(twilio)
    attempt(item)
    asked = [(entry.origin, entry.had_authorization) for entry in twilio.log.of(script.sid)]
    assert asked == [("api", True), ("cdn", False)]


def test_both_requests_are_recorded_as_one_attempt_with_its_evidence(twilio: Simulator) -> None:
    item, script = announced(twilio)
    attempt(item)
    row = item.attempt_set.get()
    metadata, _ = twilio.log.of(script.sid)
    assert (row.outcome, row.http_status) == ("stored", 200)
    assert row.twilio_request_id == metadata.request_id
    assert row.redirect_host == twilio.cdn_origin.removeprefix("http://")
    assert row.bytes_received == script.size


def test_the_link_is_neither_stored_nor_logged(
    twilio: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    item, script = announced(twilio, faults=[faults.Status(503, at="cdn")])
    assert attempt(item) == "twilio_error"
    assert attempt_now(item) == "stored"
    kept = repr([vars(item), [vars(row) for row in FetchAttempt.objects.all()], media_line(item)])
    for text in (kept, caplog.text):
        assert script.cdn_path not in text
        assert "Signature" not in text


def test_early_404s_at_both_steps_are_retried_until_the_media_is_stored(twilio: Simulator) -> None:
    item, script = announced(twilio, metadata_delay_s=9999.0, delay_s=9999.0)
    assert attempt(item) == "not_ready"
    script.metadata_delay_s = 0.0
    assert attempt_now(item) == "not_ready"
    script.delay_s = 0.0
    assert attempt_now(item) == "stored"
    assert twilio.log.statuses_of(script.sid) == [404, 200, 404, 200, 200]
    assert item.not_found_count == 2


def test_metadata_alone_does_not_make_the_media_available(twilio: Simulator) -> None:
    item, _ = announced(twilio, faults=[faults.Status(503, at="cdn")])
    assert attempt(item) == "twilio_error"
    assert not MediaItem.objects.filter(found_at__isnull=False).exists()
    attempt_now(item)
    _, second = item.attempt_set.all()
    assert MediaItem.objects.get(found_at__gt=second.started_at) == item


def test_an_attempt_shows_which_step_returned_the_404(twilio: Simulator) -> None:
    item, script = announced(twilio, metadata_delay_s=9999.0, delay_s=9999.0)
    attempt(item)
    script.metadata_delay_s = 0.0
    attempt_now(item)
    at_the_metadata, at_the_link = item.attempt_set.all()
    assert at_the_metadata.twilio_code == 20404
    assert at_the_metadata.redirect_host == ""
    assert at_the_link.twilio_code is None
    assert at_the_link.redirect_host != ""


def test_each_attempt_asks_for_a_fresh_link(twilio: Simulator) -> None:
    item, _ = announced(twilio, faults=[faults.Status(403, at="cdn")])
    assert attempt(item) == "cdn_refused"
    assert attempt_now(item) == "stored"


def test_a_link_to_a_host_that_is_not_twilios_is_not_followed(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_REDIRECT_HOSTS = []
    item, script = announced(twilio)
    assert attempt(item) == "redirect_refused"
    assert item.status == Status.FAILED
    assert twilio.log.of(script.sid, "cdn") == []


def test_a_body_whose_size_differs_from_the_metadata_is_not_stored(
    twilio: Simulator, settings: Settings
) -> None:
    item, _ = announced(twilio, faults=[faults.WrongBody("short", "image/jpeg", at="cdn")])
    assert attempt(item) == "wrong_size"
    assert item.attempt_set.get().detail == "5 bytes received, 20000 declared"
    assert stored_files(settings) == []


def test_a_size_over_the_limit_is_refused_before_the_download(
    twilio: Simulator, settings: Settings
) -> None:
    settings.MEDIA_MAX_BYTES = 100
    item, script = announced(twilio, size=101)
    assert attempt(item) == "too_large"
    assert twilio.log.of(script.sid, "cdn") == []


def test_a_redirect_instead_of_metadata_is_not_followed(twilio: Simulator) -> None:
    item, script = announced(twilio)
    script.faults = [faults.RedirectTo(f"{twilio.cdn_origin}/x")]
    assert attempt(item) == "unexpected_answer"
    assert attempt_now(item) == "stored"


def test_the_auth_token_is_tried_after_the_api_key_is_refused(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "SK" + "0" * 32, "wrong"
    item, script = announced(twilio)
    assert attempt(item) == "stored"
    assert twilio.log.statuses_of(script.sid) == [401, 200, 200]


def test_a_late_404_is_diagnosed_from_the_same_metadata(
    twilio: Simulator, settings: Settings
) -> None:
    settings.METADATA_FROM_ATTEMPT = 1
    item, _ = announced(twilio, metadata_delay_s=0.0, delay_s=9999.0)
    assert attempt(item) == "not_ready"
    assert item.not_found_because == NotFoundCause.PROPAGATING


def test_the_export_lists_the_media_under_the_kind_conversation(twilio: Simulator) -> None:
    item, script = announced(twilio)
    line = media_line(item)
    assert (line["kind"], line["message_sid"]) == ("conversation", script.parent_sid)
    assert (line["media_sid"], line["recording_sid"]) == (script.sid, None)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"links": null}',
        b'{"links": []}',
        b'{"links": {}}',
        b'{"links": {"content_direct_temporary": null}}',
        b'{"links": {"content_direct_temporary": 7}}',
        b'{"links": {"content_direct_temporary": ["https://a"]}}',
        b"[" * 9000,
        b'{"links": ' * 3000,
        b"\xff\xfe",
    ],
)
def test_no_link_is_read_from_metadata_without_a_valid_one(document: bytes) -> None:
    assert link_in_metadata(Response(200, {}, document, redirected=False)) is None


@pytest.mark.parametrize("size", [None, "12", -1, 0, 1.5, True, [], 12])
def test_only_a_positive_integer_is_accepted_as_a_size(size: object) -> None:
    links = {"content_direct_temporary": "https://media.us1.twilio.com/ME1"}
    document = json.dumps({"links": links, "size": size}).encode()
    found = link_in_metadata(Response(200, {}, document, redirected=False))
    expected = 12 if size == 12 else None
    assert found == Link("https://media.us1.twilio.com/ME1", expected)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://media.us1.twilio.com/ME1?Expires=1&Signature=a", True),
        ("https://media.dublin.ie1.twilio.com/ME1", True),
        ("https://mcs.us1.twilio.com/ME1", False),
        ("https://media.us1.twilio.com.evil.example/ME1", False),
        ("http://media.us1.twilio.com/ME1", False),
    ],
)
def test_only_https_links_to_twilios_media_hosts_are_allowed(url: str, allowed: bool) -> None:
    request = providers.get("twilio").media_request(
        url=f"https://mcs.us1.twilio.com/v1/Services/IS{'a' * 32}/Media/ME{'b' * 32}",
        account_sid=make.ACCOUNT,
        subject_sid=make.sid("IM"),
    )
    assert request.may_redirect_to(url) is allowed
