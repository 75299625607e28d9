"""The file on the page of a media item: shown where browsers can and may show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.models import MediaItem
from tests.support import make
from tests.support.admin import media_page
from tests.support.attempts import stored
from tests.support.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def kept(settings: Settings, content_type: str, codec: str = "") -> MediaItem:
    """Return a stored item whose file exists."""
    path = Path(settings.MEDIA_ROOT) / "a" / "b.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"abc")
    return stored(make.media(at=NOON), 1, content_type=content_type, codec=codec)


@pytest.mark.parametrize(
    ("content_type", "tag"),
    [("image/jpeg", "<img "), ("audio/ogg", "<audio "), ("video/mp4", "<video ")],
)
def test_a_picture_audio_or_video_file_is_shown_on_the_page(
    admin_client: Client, settings: Settings, content_type: str, tag: str
) -> None:
    item = kept(settings, content_type)
    html = media_page(admin_client, item)
    assert tag in html
    assert reverse("admin:mediapipe_mediaitem_file", args=[item.pk]) in html


@pytest.mark.parametrize("content_type", ["application/pdf", "text/html", "image/svg+xml", "x/y"])
def test_a_file_that_is_not_safe_to_show_is_offered_only_as_a_download(
    admin_client: Client, settings: Settings, content_type: str
) -> None:
    html = media_page(admin_client, kept(settings, content_type))
    assert "Download the" in html
    assert not re.search(r"<(img|audio|video|iframe|embed|object) [^>]*/file/", html)


@pytest.mark.parametrize(
    ("declared", "note"),
    [
        (3, "All 3 bytes were retrieved, as many as Twilio declared: download it."),
        (None, "All 3 bytes were retrieved: download it."),
        # The webhook may declare another size than the response that was stored.
        (4, "All 3 bytes were retrieved: download it."),
    ],
)
def test_the_fallback_of_a_player_states_how_many_bytes_were_retrieved(
    admin_client: Client, settings: Settings, declared: int | None, note: str
) -> None:
    item = kept(settings, "audio/ogg")
    MediaItem.objects.filter(pk=item.pk).update(declared_size=declared)
    assert f"This browser cannot play the file. {note}" in media_page(admin_client, item)


def test_the_page_of_an_hevc_video_explains_that_the_browser_cannot_decode_it(
    admin_client: Client, settings: Settings
) -> None:
    html = media_page(admin_client, kept(settings, "video/quicktime", codec="hvc1"))
    assert "The video was retrieved completely. Its codec is HEVC (hvc1)" in html
    assert "the browser cannot decode it" in html


def test_a_video_that_every_browser_plays_has_no_codec_note(
    admin_client: Client, settings: Settings
) -> None:
    html = media_page(admin_client, kept(settings, "video/mp4", codec="avc1"))
    assert "HEVC" not in html


def test_a_file_missing_from_the_storage_is_reported_as_missing(admin_client: Client) -> None:
    item = stored(make.media(at=NOON), 1)
    assert "a/b.jpg is no longer in the storage" in media_page(admin_client, item)
    url = reverse("admin:mediapipe_mediaitem_file", args=[item.pk])
    assert admin_client.get(url).status_code == 404


def test_a_declared_type_that_differs_is_marked(admin_client: Client) -> None:
    item = stored(make.media(at=NOON), 1, content_type="video/mp4")
    assert 'class="differs">declared as image/jpeg' in media_page(admin_client, item)


def test_another_name_of_the_same_type_is_not_marked(admin_client: Client) -> None:
    item = stored(make.media(at=NOON), 1, content_type="image/jpeg")
    MediaItem.objects.update(declared_content_type="image/JPG; name=a.jpg")
    html = media_page(admin_client, item)
    assert 'class="differs"' not in html
    assert "(declared as image/JPG; name=a.jpg)" in html
