"""What the doctor finds about numbers, senders and webhooks at Twilio."""

from __future__ import annotations

import json

import pytest

from mediapipe.management.doctor.findings import Level
from mediapipe.models import DoctorReport
from mediapipe.operations.routes import twilio_api
from mediapipe.simulator import resources
from mediapipe.simulator.numbers import ChannelSender, MessagingService, TwimlApplication
from tests.support import make
from tests.support.doctor import findings, names, output
from tests.support.doctor_world import CONVERSATIONS, MESSAGING, REPEATED, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", ["OTHER_BASE_URLS", "HTTPS_ORIGINS"])
def test_a_number_that_sends_to_another_of_our_origins_points_here(world: World, name: str) -> None:
    setattr(world.settings, name, ["https://old.example.com"])
    here = f"https://old.example.com{MESSAGING}"
    world.number(f"{here}{REPEATED}", fallback=here)
    (finding,) = findings("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")


def test_a_number_that_points_here_is_ok_and_shown_masked(world: World) -> None:
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    (finding,) = findings("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")
    assert "77" in finding.where
    assert "5550000077" not in finding.where


def test_every_number_that_sends_elsewhere_is_named(world: World) -> None:
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    others = [world.number("https://else.example/sms") for _ in range(5)]
    (finding,) = [one for one in findings("numbers") if one.name == "some_elsewhere"]
    assert finding.level is Level.WARNING
    assert all(other.sid[-6:] in finding.where for other in others)
    assert "more" not in finding.where


def test_a_number_whose_messaging_service_sends_here_points_here(world: World) -> None:
    number = world.number("https://else.example/sms")
    service = MessagingService(
        world.messaging_url, world.web + MESSAGING, numbers=[number], account_sid=make.ACCOUNT
    )
    world.twilio.state.services.append(service)
    (finding,) = findings("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")


def test_a_number_whose_application_sends_here_points_here(world: World) -> None:
    ours = TwimlApplication(world.messaging_url, world.web + MESSAGING, account_sid=make.ACCOUNT)
    world.twilio.state.applications.append(ours)
    world.number("https://else.example/sms", sms_application_sid=ours.sid)
    (finding,) = findings("numbers")
    assert (finding.level, finding.message) == (Level.OK, "messages are sent here")


def test_numbers_are_read_with_the_token_that_works(world: World) -> None:
    world.settings.TWILIO_AUTH_TOKEN = f"{make.TOKEN},old"
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    assert names("numbers") == []


def test_numbers_beyond_the_first_page_are_checked(world: World) -> None:
    for _ in range(120):
        world.number("https://else.example/sms")
    world.number(world.web + MESSAGING, fallback=world.web + MESSAGING)
    assert names("numbers") == ["some_elsewhere", "webhook_not_repeated"]


def test_no_more_pages_than_the_limit_are_requested_from_twilio(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_api, "MAX_PAGES", 2)
    for _ in range(201):
        world.number("https://else.example/sms")
    assert names("numbers") == ["webhook_elsewhere"]
    requests = [e for e in world.twilio.log.all() if e.path.endswith("IncomingPhoneNumbers.json")]
    assert len(requests) == 2


def test_a_whatsapp_sender_that_points_here_is_enough(world: World) -> None:
    sender = ChannelSender(
        callback_url=world.messaging_url,
        fallback_url=world.web + MESSAGING,
        account_sid=make.ACCOUNT,
    )
    world.twilio.state.senders.append(sender)
    (finding,) = findings("numbers")
    assert finding.level is Level.OK
    assert finding.where.endswith(f": whatsapp +•••••••••66 {sender.sid[-6:]}")


def test_numbers_are_reported_even_if_senders_cannot_be_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "CHANNEL_SENDERS", "nowhere")
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    unreadable, here = findings("numbers")
    assert (unreadable.name, here.message) == ("senders_unreadable", "messages are sent here")


def test_an_account_without_a_conversations_webhook_is_fine(world: World) -> None:
    (finding,) = findings("conversations")
    assert (finding.level, finding.where) == (Level.OK, make.ACCOUNT)
    assert "fine if you do not use it" in finding.message


@pytest.mark.parametrize("service_sid", ["", "IS" + "e5" * 16], ids=["account", "service"])
def test_a_conversations_webhook_that_points_here_is_fine(world: World, service_sid: str) -> None:
    world.conversations(world.web + CONVERSATIONS, service_sid=service_sid)
    (finding,) = findings("conversations")
    assert (finding.level, finding.message) == (
        Level.OK,
        "the webhook of Conversations (classic) points here",
    )
    assert finding.where.endswith(service_sid)


def test_a_webhook_with_the_target_flex_is_ignored(world: World) -> None:
    world.conversations(world.web + MESSAGING, target="flex")
    assert names("conversations") == []


def test_a_service_without_its_own_webhook_uses_that_of_the_account(world: World) -> None:
    world.conversations(world.web + CONVERSATIONS)
    world.conversations(None, service_sid="IS" + "e5" * 16)
    assert names("conversations") == []


def test_a_standard_key_that_cannot_read_the_account_is_accepted(world: World) -> None:
    key = make.sid("SK")
    world.twilio.state.api_keys[key] = ("secret", make.ACCOUNT)
    world.settings.TWILIO_API_KEY, world.settings.TWILIO_API_SECRET = key, "secret"
    assert names("credentials") == []


def test_a_table_lists_every_number_with_its_url_and_verdict(world: World) -> None:
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    other = world.number("https://user:canary@old.example.com/sms?key=canary")
    *_, heading, here, elsewhere, _, _ = output("--only=numbers").split("\n")
    assert heading == "  number, service or sender  verdict          URL at Twilio"
    assert here.endswith(f"points here      {world.web}{MESSAGING}")
    assert elsewhere == (
        f"  +•••••••••77 {other.sid[-6:]}        sends elsewhere  https://old.example.com/sms"
    )


def test_numbers_are_shown_in_full_on_request_and_stored_masked(world: World) -> None:
    number = world.number(world.messaging_url, fallback=world.web + MESSAGING)
    text = output("--only=numbers", "--show-numbers")
    assert text.count(number.number) == 2
    stored = DoctorReport.objects.get(part="numbers").findings
    assert number.number not in json.dumps(stored)
    assert stored[-1]["routes"][0]["verdict"] == "points here"
