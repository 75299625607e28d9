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
    sms_method: str = "POST"
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"PN{uuid4().hex}")


@dataclass(frozen=True)
class TwimlApplication:
    """A TwiML application; its URLs are called instead of those of its numbers."""

    sms_url: str = ""
    sms_fallback_url: str = ""
    sms_method: str = "POST"
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"AP{uuid4().hex}")


@dataclass(frozen=True)
class MessagingService:
    """A messaging service; it overrides the webhooks of its numbers unless it defers to them."""

    inbound_request_url: str | None = None
    fallback_url: str | None = None
    use_inbound_webhook_on_number: bool = False
    numbers: Sequence[PhoneNumber] = ()
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"MG{uuid4().hex}")


@dataclass(frozen=True)
class ChannelSender:
    """A WhatsApp or RCS sender and its webhook."""

    sender_id: str = "whatsapp:+15550000066"
    callback_url: str | None = None
    fallback_url: str | None = None
    account_sid: str = ACCOUNT_SID
    sid: str = field(default_factory=lambda: f"XE{uuid4().hex}")

    @property
    def channel(self) -> str:
        return self.sender_id.partition(":")[0]


@dataclass(frozen=True)
class ConversationsWebhook:
    """The webhook of a conversation service, or of the account if `service_sid` is empty."""

    post_webhook_url: str | None = None
    pre_webhook_url: str | None = None
    filters: Sequence[str] | None = None
    target: str = "webhook"
    service_sid: str = ""
    account_sid: str = ACCOUNT_SID
