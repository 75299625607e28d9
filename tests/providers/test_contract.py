"""The requests of the doctor and of deletion, against Twilio's own OpenAPI description."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from mediapipe.lifecycle import delete_at_provider
from mediapipe.management.doctor.conversations import check_conversations
from mediapipe.management.doctor.credentials import check_credentials
from mediapipe.management.doctor.findings import Level
from mediapipe.management.doctor.inbound import check_numbers
from mediapipe.models import MediaItem
from mediapipe.operations.routes.twilio_api import TwilioApi
from mediapipe.providers.base import Credentials, Kind
from mediapipe.providers.twilio import resources
from tests.support import make
from tests.support.prism import prism

ACCOUNT = "AC" + "a" * 32


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with prism("twilio_setup.openapi.json") as origin:
        yield origin


@pytest.fixture(autouse=True)
def api_at_mock_server(mock: str, settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID = ACCOUNT
    settings.TWILIO_API_HOSTS = [mock]
    settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


def api() -> TwilioApi:
    return TwilioApi(Credentials(ACCOUNT, "x"))


def test_an_account_is_checked_without_showing_its_auth_token() -> None:
    first, *_ = check_credentials()
    assert (first.level, first.message) == (Level.OK, "Twilio accepts the auth token")
    # Twilio's response contains the token.
    assert api().get(resources.account_url(ACCOUNT)).document["auth_token"]
    assert "auth_token" not in "".join(map(str, check_credentials()))


def test_the_webhook_of_a_messaging_service_is_checked(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://www.example.com"
    (finding,) = check_numbers()
    assert finding.name == "webhook_path_wrong"
    assert finding.where == f"{ACCOUNT}: messaging service MG{'a' * 32}"


def test_the_phone_numbers_of_a_messaging_service_are_read() -> None:
    answer = api().get(resources.senders_url("MG" + "a" * 32))
    (number,) = answer.document["phone_numbers"]
    assert (number["phone_number"], number["sid"]) == ("+987654321", "PN" + "a" * 32)


def test_the_webhook_of_a_whatsapp_sender_is_checked(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://callback.example.com"
    (finding,) = check_numbers()
    assert finding.name == "webhook_path_wrong"
    assert ": whatsapp +" in finding.where


@pytest.mark.parametrize("host", ["example.com", "www.example.com"], ids=["account", "service"])
def test_the_webhooks_of_conversations_are_checked(settings: Settings, host: str) -> None:
    settings.PUBLIC_BASE_URL = f"https://{host}"
    assert [finding.name for finding in check_conversations()] == [
        "conversations_ask_before",
        "webhook_path_wrong",
        "conversations_event_missing",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Kind.MESSAGE, Kind.RECORDING])
def test_a_deletion_request_matches_twilios_openapi_description(mock: str, kind: Kind) -> None:
    item = announced(mock, kind)
    assert delete_at_provider._request_deletion(item) == "Twilio responded with 204: deleted."


def announced(origin: str, kind: Kind) -> MediaItem:
    """Return an item of this kind whose SIDs the mock server accepts."""
    letter = "a" * 32
    root = f"{origin}/2010-04-01/Accounts/{ACCOUNT}"
    if kind == Kind.RECORDING:
        sid, subject, url = f"RE{letter}", f"RE{letter}", f"{root}/Recordings/RE{letter}"
    else:
        sid, subject = f"ME{letter}", f"MM{letter}"
        url = f"{root}/Messages/{subject}/Media/{sid}"
    media = make.announced(subject, identity=sid, url=url)
    return make.media(
        make.message(kind=kind, account_sid=ACCOUNT, subject_sid=subject, media=(media,))
    )
