"""A service without any misconfiguration, and ways to misconfigure it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from mediapipe.models import Heartbeat
from mediapipe.simulator import Simulator
from mediapipe.simulator.numbers import ConversationsWebhook, PhoneNumber
from tests.support import make

MESSAGING = "/webhooks/twilio/messaging/"
CONVERSATIONS = "/webhooks/twilio/conversations/"
REPEATED = "#rc=5&rp=ct,rt,5xx"


@dataclass
class World:
    """A correctly configured service, and the ways to misconfigure it."""

    settings: Settings
    patch: pytest.MonkeyPatch
    twilio: Simulator
    web: str
    folder: Path
    stack: ExitStack

    def broker(self, url: str) -> None:
        self.patch.setenv("CELERY_BROKER_URL", url)
        self.patch.setenv("CELERY_BROKER_WRITE_URL", url)

    def record_heartbeats(self, *parts: str) -> None:
        """Record a heartbeat of these components."""
        for part in parts:
            Heartbeat.record(part)

    def number(self, url: str = "", *, fallback: str = "", **options: str) -> PhoneNumber:
        """Add a number to the account."""
        number = PhoneNumber(
            sms_url=url, sms_fallback_url=fallback, account_sid=make.ACCOUNT, **options
        )
        self.twilio.state.numbers.append(number)
        return number

    def conversations(self, url: str | None = None, **options: Any) -> None:
        """Add a Conversations webhook to the account or one of its services."""
        usual: dict[str, Any] = {"filters": ["onMessageAdded"], "account_sid": make.ACCOUNT}
        hook = ConversationsWebhook(url, **usual | options)
        self.twilio.state.conversations.append(hook)

    @property
    def messaging_url(self) -> str:
        """The URL for messages, as it should be configured at Twilio."""
        return self.web + MESSAGING + REPEATED


@dataclass(frozen=True)
class Case:
    """A misconfiguration, the check that must find it, and the name of the issue."""

    description: str
    part: str
    name: str
    arrange: Callable[[World], object] = field(repr=False)
