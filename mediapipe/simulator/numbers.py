"""Phone numbers and messaging services, as a person configures them in Twilio's console."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from mediapipe.simulator.script import ACCOUNT_SID


@dataclass(frozen=True)
class PhoneNumber:
    """A number that receives messages, and where their webhooks go."""

    number: str = "+15550000077"
    sms_url: str = ""
    sms_fallback_url: str = ""
    sms_application_sid: str = ""
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"PN{uuid4().hex}")


@dataclass(frozen=True)
class MessagingService:
    """A messaging service; the webhook of a number in it counts only if it defers to numbers."""

    inbound_request_url: str | None = None
    fallback_url: str | None = None
    use_inbound_webhook_on_number: bool = False
    numbers: Sequence[PhoneNumber] = ()
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"MG{uuid4().hex}")
