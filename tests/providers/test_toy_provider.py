"""A second provider needs only a package and one line in the registry."""

from __future__ import annotations

import ipaddress
import json
from base64 import b64encode
from collections.abc import Iterator
from importlib import reload
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import OperationalError
from django.test import Client
from django.urls import clear_url_caches
from pytest_django import Settings

from mediapipe import providers, urls
from mediapipe.models import MediaItem, Rejection, WebhookEvent
from mediapipe.webhooks import receive, spool
from tests.support import raw_server, toy
from tests.support.fetching import attempt
from tests.support.raw_server import serve

pytestmark = pytest.mark.django_db

PHOTO = b"\xff\xd8\xff\xe0" + bytes(100)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with monkeypatch.context() as patch:
        # This is the line in the registry.
        patch.setitem(providers.PROVIDERS, "toy", toy)
        reload(urls)
        clear_url_caches()
        yield
    reload(urls)
    clear_url_caches()


def send_photo(url: str, signature: str = "") -> Any:
    body = json.dumps({"id": "photo-1", "url": url}).encode()
    headers = {"X-Toy-Signature": signature or toy.sign(body)}
    kind = "application/json"
    return Client().post("/webhooks/toy/photos/", body, content_type=kind, headers=headers)


def test_a_webhook_of_a_second_provider_is_recorded_and_its_media_is_stored(
    published: list[int],
) -> None:
    with serve(raw_server.answer(200, PHOTO)) as origin:
        response = send_photo(origin.url("/photos/1"))
        assert (response.status_code, response.content) == (200, b"thanks")
        assert response["Content-Type"] == "text/plain"
        item = MediaItem.objects.get()
        assert (published, item.event.provider) == ([item.pk], "toy")
        assert attempt(item) == "stored"
    credentials = b64encode(b"shop:secret").decode()
    assert f"Authorization: Basic {credentials}" in origin.requests[0]
    with storages["media"].open(item.storage_name) as file:
        assert file.read() == PHOTO


def test_a_forged_webhook_is_refused_with_the_name_of_the_second_provider() -> None:
    response = send_photo("http://127.0.0.1:9/1", signature="wrong")
    assert response.status_code == 403
    assert "does not prove that Toy sent it" in response.json()["detail"]
    assert Rejection.objects.get().reason == "signature_wrong"
    assert not WebhookEvent.objects.exists()


def test_a_spooled_webhook_of_a_second_provider_is_recorded_later(
    monkeypatch: pytest.MonkeyPatch, published: list[int]
) -> None:
    def unavailable(*args: Any, **kwargs: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(receive.drainer, "wake", lambda: None)
    monkeypatch.setattr("mediapipe.webhooks.receive.connection.close", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(receive, "record", unavailable)
        assert send_photo("http://127.0.0.1:9/1").content == b"thanks"
    assert (spool.depth(), receive.drain_spool()) == (1, 1)
    assert WebhookEvent.objects.get().provider == "toy"
