"""Twilio calls the first of a number's messaging service, its TwiML application and its own URL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediapipe.models import RouteKind, RouteReading, Verdict, WebhookRoute
from mediapipe.operations.routes.twilio_api import ApiResponse, TwilioApi
from mediapipe.simulator import Simulator
from mediapipe.simulator.numbers import (
    ChannelSender,
    ConversationsWebhook,
    MessagingService,
    TwimlApplication,
)
from tests.support import make
from tests.support.routes import NUMBER, OTHER_URL, OUR_ORIGIN, OUR_URL, read

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("pointing_here"),
]


def test_a_messaging_service_that_takes_over_a_number_is_an_incident(twilio: Simulator) -> None:
    read()
    service = MessagingService(OTHER_URL, numbers=[NUMBER], account_sid=make.ACCOUNT)
    twilio.state.services = [service]
    assert read() == "+•••••••••77: sends elsewhere: old.example.com."
    assert WebhookRoute.objects.get(kind=RouteKind.NUMBER).via == service.sid


def test_a_messaging_service_that_was_pointed_elsewhere_is_an_incident(twilio: Simulator) -> None:
    service = MessagingService(OUR_URL, account_sid=make.ACCOUNT)
    twilio.state.services = [service]
    read()
    twilio.state.services = [replace(service, inbound_request_url=OTHER_URL)]
    assert read() == f"messaging service {service.sid}: sends elsewhere: old.example.com."


def test_a_messaging_service_that_defers_to_its_numbers_is_not_an_incident(
    twilio: Simulator,
) -> None:
    service = MessagingService(OUR_URL, numbers=[NUMBER], account_sid=make.ACCOUNT)
    twilio.state.services = [service]
    read()
    twilio.state.services = [replace(service, use_inbound_webhook_on_number=True)]
    assert read() == ""


def test_a_number_is_judged_by_the_url_of_its_application(twilio: Simulator) -> None:
    application = TwimlApplication(OUR_URL, account_sid=make.ACCOUNT)
    twilio.state.applications = [application]
    twilio.state.numbers = [replace(NUMBER, sms_url=OTHER_URL, sms_application_sid=application.sid)]
    assert read() == ""
    row = WebhookRoute.objects.get(kind=RouteKind.NUMBER)
    assert (row.verdict, row.url, row.via) == (Verdict.HERE, OUR_URL, application.sid)


def test_an_application_that_was_pointed_elsewhere_is_an_incident(twilio: Simulator) -> None:
    application = TwimlApplication(OUR_URL, account_sid=make.ACCOUNT)
    twilio.state.applications = [application]
    twilio.state.numbers = [replace(NUMBER, sms_application_sid=application.sid)]
    read()
    twilio.state.applications = [replace(application, sms_url=OTHER_URL)]
    assert read() == "+•••••••••77: sends elsewhere: old.example.com."


def test_an_unreadable_application_that_takes_over_a_number_is_an_incident(
    twilio: Simulator,
) -> None:
    read()
    twilio.state.numbers = [replace(NUMBER, sms_application_sid="AP" + "d4" * 16)]
    assert read() == "+•••••••••77: TwiML application not readable."


def test_a_messaging_service_overrides_the_application_of_its_number(
    twilio: Simulator,
) -> None:
    application = TwimlApplication(OTHER_URL, account_sid=make.ACCOUNT)
    number = replace(NUMBER, sms_application_sid=application.sid)
    twilio.state.applications, twilio.state.numbers = [application], [number]
    twilio.state.services = [MessagingService(OUR_URL, numbers=[number], account_sid=make.ACCOUNT)]
    read()
    assert WebhookRoute.objects.get(kind=RouteKind.NUMBER).verdict == Verdict.HERE


def test_a_twilio_error_for_an_application_is_recorded_without_an_incident(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = TwilioApi.get

    def get_or_fail(self: TwilioApi, url: str) -> ApiResponse:
        return ApiResponse(503, None, {}, "") if "/Applications/" in url else get(self, url)

    read()
    twilio.state.numbers = [replace(NUMBER, sms_application_sid="AP" + "d4" * 16)]
    monkeypatch.setattr(TwilioApi, "get", get_or_fail)
    assert read() == ""
    assert RouteReading.objects.get().error == "TwiML application: HTTP 503"


def test_a_whatsapp_sender_that_was_pointed_elsewhere_is_an_incident(twilio: Simulator) -> None:
    sender = ChannelSender(callback_url=OUR_URL, account_sid=make.ACCOUNT)
    twilio.state.senders = [sender]
    read()
    twilio.state.senders = [replace(sender, callback_url=OTHER_URL)]
    assert read() == "whatsapp:+•••••••••66: sends elsewhere: old.example.com."


def test_a_conversations_webhook_that_was_removed_is_an_incident(twilio: Simulator) -> None:
    hook = ConversationsWebhook(
        f"{OUR_ORIGIN}/webhooks/twilio/conversations/", account_sid=make.ACCOUNT
    )
    twilio.state.conversations = [hook]
    read()
    twilio.state.conversations = [replace(hook, post_webhook_url=None)]
    assert read() == "Conversations (classic): no URL."
