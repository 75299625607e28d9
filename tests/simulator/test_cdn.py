from collections.abc import Iterator

import pytest
import requests

from mediapipe.simulator import Simulator
from mediapipe.simulator.script import ACCOUNT_SID, AUTH_TOKEN, MediaScript

OWN = (ACCOUNT_SID, AUTH_TOKEN)


@pytest.fixture
def twilio() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def link_to(script: MediaScript) -> str:
    response = requests.get(script.url, auth=OWN, allow_redirects=False, timeout=60)
    return response.headers["Location"]


def test_a_client_that_follows_the_redirect_gets_the_bytes(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    assert requests.get(photo.url, auth=OWN, timeout=60).content == photo.body
    assert twilio.log.credentials_at_cdn() == []


def test_credentials_sent_to_the_cdn_are_reported(twilio: Simulator) -> None:
    photo = twilio.add_message_media()
    requests.get(link_to(photo), auth=OWN, timeout=60)
    assert [entry.sid for entry in twilio.log.credentials_at_cdn()] == [photo.sid]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Signature=", "Signature=x"),
        ("Expires=", "Expires=9"),
        ("Expires=", "Expires=x"),
        ("Signature=", "Other="),
        (f"/{ACCOUNT_SID}/", f"/{ACCOUNT_SID}/0"),
    ],
)
def test_an_altered_link_is_forbidden(twilio: Simulator, right: str, wrong: str) -> None:
    link = link_to(twilio.add_message_media())
    response = requests.get(link.replace(right, wrong), timeout=60)
    assert response.status_code == 403
    assert "<Code>AccessDenied</Code>" in response.text


def test_the_link_of_one_media_item_does_not_give_access_to_another(twilio: Simulator) -> None:
    photo, other = twilio.add_message_media(), twilio.add_message_media()
    link = link_to(photo).replace(photo.cdn_path, other.cdn_path)
    assert requests.get(link, timeout=60).status_code == 403


def test_an_expired_link_is_forbidden(twilio: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.simulator.state.LINK_LIFETIME_S", -1)
    link = link_to(twilio.add_message_media())
    assert requests.get(link, timeout=60).status_code == 403


def test_the_configured_content_disposition_is_sent_with_the_bytes(twilio: Simulator) -> None:
    disposition = 'inline; filename="../../photo.jpg"'
    photo = twilio.add_message_media(disposition=disposition)
    response = requests.get(link_to(photo), timeout=60)
    assert response.headers["Content-Disposition"] == disposition


def test_a_delete_request_at_the_cdn_is_not_allowed(twilio: Simulator) -> None:
    link = link_to(twilio.add_message_media())
    assert requests.delete(link, timeout=60).status_code == 405
    assert requests.get(link, timeout=60).status_code == 200
