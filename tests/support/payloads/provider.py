"""What the Twilio provider reads from a webhook, and why it refuses one."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from mediapipe import providers
from mediapipe.failures import Failure
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, WebhookRequest
from mediapipe.providers.refusals import WebhookRefused, WebhookUnreadable
from mediapipe.providers.twilio.signature import verify
from tests.support.make import TOKEN
from tests.support.payloads.twilio import ACCOUNT_SID, MMS_SID


def refusal(request: WebhookRequest) -> str:
    """Return status and reason of a refused request; the token must not be in the message."""
    with pytest.raises(WebhookRefused) as caught:
        verify(request)
    assert TOKEN not in str(caught.value)
    return f"{caught.value.status} {caught.value.reason}"


def parse(body: str, source: str = "messaging") -> InboundMessage:
    parameters = tuple(parse_qsl(body, keep_blank_values=True))
    found = providers.get("twilio").parse(source, parameters)
    assert found is not None
    return found


def message(*more: str) -> InboundMessage:
    """Return a message with these fields."""
    return parse("&".join([f"AccountSid={ACCOUNT_SID}", f"MessageSid={MMS_SID}", *more]))


def reason(body: str, source: str = "messaging") -> str:
    """Return why a webhook cannot be read."""
    with pytest.raises(WebhookUnreadable) as caught:
        parse(body, source)
    return caught.value.reason


def only_media(inbound: InboundMessage) -> AnnouncedMedia:
    (item,) = inbound.media
    return item


def failure_of(item: AnnouncedMedia) -> tuple[type[Failure], str]:
    """Return the failure of a media item that cannot be fetched, and its detail."""
    assert item.failure is not None
    return type(item.failure), item.failure.detail
