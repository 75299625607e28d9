"""The Host header of a webhook matters only if no setting names the signed URL."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from mediapipe.models import MediaItem, Rejection
from mediapipe.simulator.webhooks import sign
from tests.support import make
from tests.support.metrics import families, values
from tests.support.webhooks import FORM, MESSAGING, mms

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]

PUBLIC = "https://media.example.com"
HOSTS = ["mediapipe-web.internal:8000", "mediapipe_web:8000", "10.2.3.4", "not a host", ""]


def send_to(origin: str, *, host: str) -> Any:
    """Send a webhook signed for this origin, with this Host header."""
    request = sign(mms(), f"{origin}{MESSAGING}", make.TOKEN)
    headers = {"X-Twilio-Signature": request.headers["X-Twilio-Signature"], "Host": host}
    return Client().post(MESSAGING, request.body, content_type=FORM, headers=headers)


@pytest.mark.parametrize("host", HOSTS)
def test_a_webhook_signed_for_the_public_url_is_accepted_with_any_host(
    settings: Settings, host: str
) -> None:
    settings.PUBLIC_BASE_URL = PUBLIC
    assert send_to(PUBLIC, host=host).status_code == 200
    assert MediaItem.objects.count() == 1


@pytest.mark.parametrize("origin", [PUBLIC, "https://old.example.com", "https://a.example:8443"])
def test_a_signature_for_any_configured_origin_is_accepted(settings: Settings, origin: str) -> None:
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.OTHER_BASE_URLS = ["https://old.example.com"]
    settings.HTTPS_ORIGINS = ["https://a.example:8443"]
    assert send_to(origin, host="10.2.3.4").status_code == 200
    assert send_to("https://else.example", host="else.example").status_code == 403


def test_without_a_public_url_a_signature_for_an_allowed_host_is_accepted(
    settings: Settings,
) -> None:
    settings.HTTPS_ORIGINS = [PUBLIC]
    assert send_to(PUBLIC, host="testserver").status_code == 200


def test_a_wildcard_allowed_host_does_not_let_a_client_choose_the_signed_host(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = ["*", "testserver"]
    response = send_to("http://evil.example", host="evil.example")
    assert response.json()["error"] == "host_not_allowed"
    assert send_to("http://testserver", host="testserver").status_code == 200


def test_an_accepted_host_does_not_compensate_for_a_wrong_signature(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = PUBLIC
    assert send_to("https://else.example", host="media.example.com").status_code == 403
    assert Rejection.objects.get().reason == "signature_wrong"


@pytest.mark.parametrize("host", HOSTS)
def test_without_a_public_url_an_unknown_host_is_refused_and_the_setting_is_named(
    host: str,
) -> None:
    response = send_to(PUBLIC, host=host)
    assert (response.status_code, response.json()["error"]) == (400, "host_not_allowed")
    assert "set PUBLIC_BASE_URL" in response.json()["detail"]


def test_a_webhook_refused_for_its_host_is_counted_and_logged_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        send_to(PUBLIC, host="media.example.com\n")
    assert Rejection.objects.get(reason="host_not_allowed").count == 3
    refused = families(client)["mediapipe_webhooks_refused"]
    assert values(refused) == {"host_not_allowed": 3}
    (line,) = [line for line in caplog.messages if line.startswith("rejected a webhook")]
    assert "The Host header 'media.example.com\\n' is not listed in DJANGO_ALLOWED_HOSTS" in line
