"""Stored media behind the login: shown where that is safe, downloaded where it is not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import MediaItem, Status
from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.fetching import attempt, picture

pytestmark = pytest.mark.django_db


def stored(settings: Settings, body: bytes, content_type: str) -> MediaItem:
    """Return an item whose stored file has these bytes and this content type."""
    item = MediaItem.objects.get()
    name = "AC/2026/MM/ME.bin"
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    item.status, item.storage_name, item.size = Status.STORED, name, len(body)
    item.content_type = content_type
    item.save()
    return item


def get(client: Client, item: MediaItem, **headers: str) -> Any:
    return client.get(reverse("admin:mediapipe_mediaitem_file", args=[item.pk]), headers=headers)


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_picture_is_served_as_it_was_stored(admin_client: Client, twilio: Simulator) -> None:
    item = picture(twilio)
    attempt(item)
    answer = get(admin_client, item)
    script = twilio.state.find(item.identity)
    assert script is not None
    assert (answer["Content-Type"], body_of(answer)) == ("image/jpeg", script.body)


def test_opening_a_file_is_logged_with_the_user(
    admin_client: Client, twilio: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    item = picture(twilio)
    attempt(item)
    caplog.clear()
    with caplog.at_level(logging.INFO, "mediapipe.operations.audit_log"):
        body_of(get(admin_client, item))
    assert caplog.messages == [
        f"user admin: opened the file of media item {item.pk}, {item.media_sid}"
    ]


def test_a_file_that_does_not_exist_is_not_logged_as_opened(
    admin_client: Client, twilio: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    with caplog.at_level(logging.INFO, "mediapipe.operations.audit_log"):
        assert get(admin_client, picture(twilio)).status_code == 404
    assert caplog.messages == []


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "application/xml", "application/pdf", "x/y"]
)
def test_active_content_is_only_ever_downloaded(
    admin_client: Client, twilio: Simulator, settings: Settings, content_type: str
) -> None:
    picture(twilio)
    item = stored(settings, b"<script>alert(1)</script>", content_type)
    answer = get(admin_client, item)
    body_of(answer)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_player_receives_the_range_that_it_requests(
    admin_client: Client, twilio: Simulator, settings: Settings
) -> None:
    picture(twilio)
    item = stored(settings, b"0123456789", "audio/mpeg")
    answer = get(admin_client, item, Range="bytes=2-4")
    assert (answer.status_code, body_of(answer)) == (206, b"234")
    assert answer["Content-Range"] == "bytes 2-4/10"


def test_an_open_range_is_served_to_the_end_of_the_file(
    admin_client: Client, twilio: Simulator, settings: Settings
) -> None:
    picture(twilio)
    item = stored(settings, b"0123456789", "audio/mpeg")
    assert body_of(get(admin_client, item, Range="bytes=7-")) == b"789"


def test_a_range_beyond_the_end_is_refused(
    admin_client: Client, twilio: Simulator, settings: Settings
) -> None:
    picture(twilio)
    item = stored(settings, b"0123456789", "audio/mpeg")
    assert get(admin_client, item, Range="bytes=10-").status_code == 416


def test_an_item_without_a_file_gets_a_404(admin_client: Client, twilio: Simulator) -> None:
    assert get(admin_client, picture(twilio)).status_code == 404


def test_a_user_who_is_not_logged_in_is_redirected_to_the_login(
    client: Client, twilio: Simulator
) -> None:
    item = picture(twilio)
    attempt(item)
    answer = get(client, item)
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


def test_staff_who_may_not_see_media_get_no_file(client: Client, twilio: Simulator) -> None:
    item = picture(twilio)
    attempt(item)
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert get(client, item).status_code == 403


def test_a_file_deleted_by_retention_is_reported_as_deleted(admin_client: Client) -> None:
    item = make.media()
    MediaItem.objects.update(
        status=Status.STORED, size=3, sha256="0" * 64, purged_at=timezone.now()
    )
    answer = get(admin_client, item)
    assert (answer.status_code, answer.content[:21]) == (410, b"Deleted by retention,")


def test_the_pages_show_what_retention_deleted(admin_client: Client) -> None:
    item = make.media()
    purged = {"purged_at": timezone.now()}
    stored = {"status": Status.STORED, "size": 3, "sha256": "0" * 64, "attempts": 7}
    MediaItem.objects.update(**stored, **purged)
    item.event.__class__.objects.update(parameters=[], **purged)
    page = admin_client.get(reverse("admin:mediapipe_mediaitem_change", args=[item.pk]))
    for words in ("The file was deleted by retention", "7 attempts deleted by retention"):
        assert words in page.content.decode()
    assert "<img" not in page.content.decode()
    page = admin_client.get(reverse("admin:mediapipe_webhookevent_change", args=[item.event_id]))
    assert "Deleted by retention, " in page.content.decode()
