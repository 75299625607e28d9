"""When our own resolver fails, items wait until it works again."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from mediapipe.failures import ResolverFailed
from mediapipe.models import Cause, Incident, MediaItem, Status
from mediapipe.simulator import Simulator, faults
from tasks.close_incidents import close_incidents
from tests.support import make
from tests.support.fetching import attempt, picture

pytestmark = pytest.mark.django_db

FAKE = "198.18.0.84"


def resolve_to(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Resolve every Twilio host to this address; None: the names are unknown."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, **options: Any) -> Any:
        if not host.endswith((".twilio.com", ".twiliocdn.com")):
            return real(host, port, **options)
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(address, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_a_fake_address_of_the_api_does_not_use_up_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, FAKE)
    item = make.media()
    for _ in range(3):
        MediaItem.objects.update(next_attempt_at=item.received_at)
        assert attempt(item) == "retrying: resolver_failed"
    assert (item.status, item.fast_retries, item.slow_retries) == (Status.RETRYING, {}, 0)
    assert item.detail == f"api.twilio.com is at {FAKE}; see MEDIA_ALLOWED_NETWORKS"


def test_an_unknown_name_of_the_api_does_not_use_up_a_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_to(monkeypatch, None)
    item = make.media()
    assert attempt(item) == "retrying: resolver_failed"
    assert item.fast_retries == {}


def test_a_fake_address_of_the_cdn_does_not_use_up_a_retry(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, FAKE)
    item = picture(twilio, faults=[faults.RedirectTo("https://mms.twiliocdn.com/a")])
    assert attempt(item) == "retrying: resolver_failed"
    assert item.detail.startswith(f"mms.twiliocdn.com is at {FAKE}")
    assert item.fast_retries == {}


def test_one_incident_names_the_host_and_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, FAKE)
    for _ in range(2):
        attempt(make.media())
    incident = Incident.objects.get()
    assert incident.cause == Cause.RESOLVER
    assert f"api.twilio.com is at {FAKE}" in incident.detail
    assert "MEDIA_ALLOWED_NETWORKS" in incident.detail
    assert "MEDIA_ALLOWED_NETWORKS" in Cause.RESOLVER.todo


def test_the_incident_ends_with_the_next_stored_item(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, FAKE)
    attempt(make.media())
    close_incidents()
    assert Incident.objects.ongoing().exists()
    assert attempt(picture(twilio)) == "stored"
    close_incidents()
    assert not Incident.objects.ongoing().exists()


def test_the_remedy_of_a_resolver_failure_names_the_setting() -> None:
    assert "MEDIA_ALLOWED_NETWORKS" in ResolverFailed.todo
