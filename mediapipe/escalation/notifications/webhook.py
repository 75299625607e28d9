"""An announcement as a webhook that is signed by the rules of Standard Webhooks."""

from typing import Any

from django.conf import settings

from mediapipe.escalation.notifications.announcement import TEST, Announcement
from mediapipe.lifecycle.send import send_signed


def send(said: Announcement, message_id: str) -> str:
    """POST it to ESCALATION_WEBHOOK_URL; return the answer in words, or raise Undelivered."""
    return send_signed(
        settings.ESCALATION_WEBHOOK_URL,
        document(said),
        message_id=message_id,
        secrets=settings.ESCALATION_WEBHOOK_SECRETS,
    )


def document(said: Announcement) -> dict[str, Any]:
    """Return what is signed and sent: its type, when it happened, and what is known."""
    data = said.as_dict()
    kind, at = data.pop("kind"), data.pop("at")
    return {"type": TEST if kind == TEST else f"incident.{kind}", "timestamp": at, "data": data}
