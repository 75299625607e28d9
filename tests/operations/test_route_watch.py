"""Webhook URLs at Twilio are compared with ours; one that no longer leads here is an incident."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import (
    AccountHealth,
    Cause,
    Incident,
    IncidentState,
    RouteKind,
    RouteReading,
    Verdict,
    WebhookRoute,
)
from mediapipe.operations.routes import twilio_api
from mediapipe.settings.beat_schedule import beat_schedule
from mediapipe.simulator import Simulator, faults
from mediapipe.simulator.numbers import PhoneNumber
from tasks.read_routes import RUN_S, read_routes
from tests.support import gateway, make
from tests.support.routes import NUMBER, OTHER_URL, OUR_URL, read

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("pointing_here"),
]


def test_a_number_that_points_here_is_stored_without_an_incident(twilio: Simulator) -> None:
    assert read() == ""
    row = WebhookRoute.objects.get(kind=RouteKind.NUMBER)
    assert (row.name, row.url, row.method) == (NUMBER.number, OUR_URL, "POST")
    assert (row.verdict, row.pointed_here_at) == (Verdict.HERE, row.checked_at)


def test_a_number_that_was_pointed_elsewhere_is_an_incident(twilio: Simulator) -> None:
    read()
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    assert read() == "+•••••••••77: sends elsewhere: old.example.com."
    incident = Incident.objects.get()
    assert (incident.cause, incident.account_sid) == (Cause.POINTS_ELSEWHERE, make.ACCOUNT)


def test_the_incident_is_resolved_when_the_number_points_here_again(twilio: Simulator) -> None:
    read()
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    read()
    twilio.state.numbers = [NUMBER]
    assert read() == ""
    assert Incident.objects.get().state == IncidentState.RESOLVED


def test_a_number_that_never_pointed_here_is_not_an_incident(twilio: Simulator) -> None:
    twilio.state.numbers = [NUMBER, PhoneNumber(sms_url=OTHER_URL, account_sid=make.ACCOUNT)]
    assert read() == ""


def test_a_gateway_number_without_a_url_is_an_incident_from_the_start(
    twilio: Simulator, settings: Settings, tmp_path: Path
) -> None:
    gateway.configure(settings, tmp_path, {"to": [NUMBER.number]})
    twilio.state.numbers = [replace(NUMBER, sms_url="")]
    assert read() == "+•••••••••77: no URL."


def test_an_incident_stays_open_while_the_gateway_file_is_invalid(
    twilio: Simulator, settings: Settings, tmp_path: Path
) -> None:
    gateway.configure(settings, tmp_path, {"to": [NUMBER.number]})
    twilio.state.numbers = [replace(NUMBER, sms_url="")]
    read()
    broken = tmp_path / "broken.json"
    broken.write_text("[")
    settings.GATEWAY_FILE = str(broken)
    assert read() == "+•••••••••77: no URL."


def test_a_url_is_stored_without_its_password_and_query(twilio: Simulator) -> None:
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    read()
    assert WebhookRoute.objects.get(kind=RouteKind.NUMBER).url == "https://old.example.com/sms"


FAULTS = {
    "a rate limit": faults.Status(429, retry_after="30"),
    "an error": faults.Status(503),
    "a broken connection": faults.Reset(),
    "no JSON": faults.HtmlPage(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_number_keeps_its_verdict_when_a_request_to_twilio_fails(
    twilio: Simulator, fault: faults.Fault
) -> None:
    read()
    before = WebhookRoute.objects.get(kind=RouteKind.NUMBER)
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    twilio.state.list_faults = [fault]
    assert read() == ""
    after = WebhookRoute.objects.get(kind=RouteKind.NUMBER)
    assert (after.verdict, after.checked_at) == (before.verdict, before.checked_at)


def test_refused_credentials_do_not_resolve_an_incident(
    twilio: Simulator, settings: Settings
) -> None:
    read()
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    detail = read()
    settings.TWILIO_AUTH_TOKEN = "wrong"
    twilio.state.numbers = [NUMBER]
    assert read() == detail != ""


def test_a_number_keeps_its_verdict_when_a_request_to_twilio_times_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    monkeypatch.setattr("mediapipe.fetching.http.request.TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.TWILIO_API_HOSTS = [f"http://127.0.0.1:{silent.getsockname()[1]}"]
        assert read() == ""
    assert WebhookRoute.objects.get(kind=RouteKind.NUMBER).verdict == Verdict.HERE
    assert RouteReading.objects.get().error


def test_the_routes_of_an_account_that_is_no_longer_configured_are_deleted(
    twilio: Simulator, settings: Settings
) -> None:
    read()
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL)]
    read()
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    assert read() == ""
    assert not WebhookRoute.objects.exists()


def test_a_released_number_is_deleted_and_its_incident_resolved(twilio: Simulator) -> None:
    read()
    other = PhoneNumber("+15550000078", account_sid=make.ACCOUNT)
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL), other]
    read()
    twilio.state.numbers = [other]
    assert read() == ""
    assert WebhookRoute.objects.get(kind=RouteKind.NUMBER).name == other.number


def test_an_incomplete_reading_keeps_the_numbers_it_did_not_reach(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio.state.numbers = [
        PhoneNumber(f"+1555{n:07}", account_sid=make.ACCOUNT) for n in range(150)
    ]
    read()
    monkeypatch.setattr(twilio_api, "MAX_PAGES", 1)
    read()
    assert WebhookRoute.objects.filter(kind=RouteKind.NUMBER).count() == 150


def test_no_request_is_sent_for_a_paused_account(twilio: Simulator) -> None:
    AccountHealth.get_or_create_for(make.ACCOUNT).pause("ann", "moving")
    read()
    assert twilio.log.all() == []


def test_no_request_is_sent_for_a_rate_limited_account(twilio: Simulator) -> None:
    AccountHealth.objects.create(account_sid=make.ACCOUNT, rate=1.0, limited_at=timezone.now())
    read()
    assert twilio.log.all() == []


def test_without_a_public_url_nothing_is_read(twilio: Simulator, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = ""
    read()
    assert twilio.log.all() == []
    assert "read_routes" not in beat_schedule(5, 0, has_ping=False, has_public_url=False)


def test_a_change_is_reported_within_a_quarter_of_an_hour() -> None:
    schedule = beat_schedule(5, 0, has_ping=False, has_public_url=True)["read_routes"]
    assert schedule["task"] == read_routes.name
    assert schedule["schedule"] + RUN_S < 900


def test_an_incident_names_three_numbers_and_counts_the_rest(twilio: Simulator) -> None:
    numbers = [
        PhoneNumber(f"+155500000{n:02}", OUR_URL, account_sid=make.ACCOUNT) for n in range(5)
    ]
    twilio.state.numbers = numbers
    read()
    twilio.state.numbers = [replace(number, sms_url=OTHER_URL) for number in numbers]
    assert read().endswith("; and 2 more.")
