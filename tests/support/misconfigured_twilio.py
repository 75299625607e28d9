"""Misconfigured numbers, services, applications, senders and Conversations at Twilio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mediapipe.simulator.numbers import ChannelSender, MessagingService, TwimlApplication
from tests.support import make
from tests.support.doctor_world import CONVERSATIONS, MESSAGING, REPEATED, World


def number(url: str, fallback: str = "") -> Callable[[World], None]:
    """Add a number with these URLs; `{web}` is the origin of PUBLIC_BASE_URL."""

    def arrange(world: World) -> None:
        world.number(url.format(web=world.web), fallback=fallback.format(web=world.web))

    return arrange


def other_port(world: World) -> None:
    world.number(f"http://{urlsplit(world.web).hostname}:1{MESSAGING}{REPEATED}")


def overruled(world: World) -> None:
    mine = world.number(world.messaging_url, fallback=world.web + MESSAGING)
    service = MessagingService("https://else.example/", numbers=[mine], account_sid=make.ACCOUNT)
    world.twilio.state.services.append(service)


def application(world: World) -> None:
    elsewhere = TwimlApplication("https://else.example/", account_sid=make.ACCOUNT)
    world.twilio.state.applications.append(elsewhere)
    world.number(world.messaging_url, sms_application_sid=elsewhere.sid)


def unreadable_application(world: World) -> None:
    world.number(world.messaging_url, sms_application_sid="AP" + "d4" * 16)


def another_number(world: World) -> None:
    world.number(world.messaging_url, fallback=world.web + MESSAGING)
    world.number("https://old.example.com/sms")


def by_get(world: World) -> None:
    world.number(world.messaging_url, fallback=world.web + MESSAGING, sms_method="GET")


def whatsapp(world: World) -> None:
    sender = ChannelSender(callback_url=f"{world.web}/whatsapp/", account_sid=make.ACCOUNT)
    world.twilio.state.senders.append(sender)


def conversations(path: str, **options: Any) -> Callable[[World], None]:
    """Point the Conversations webhook to this path of the service."""

    def arrange(world: World) -> None:
        world.conversations(world.web + path, **options)

    return arrange


def pre_event_webhook(world: World) -> None:
    world.conversations(pre_webhook_url=world.web + CONVERSATIONS)


def service_of_its_own(world: World) -> None:
    world.conversations(world.web + CONVERSATIONS)
    world.conversations("https://else.example/", service_sid="IS" + "e5" * 16)
