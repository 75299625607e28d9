from typing import Any

from django.conf import settings

from mediapipe.escalation.notifications.announcement import TEST, Announcement
from mediapipe.lifecycle.send import send_signed


def post_webhook(content: Announcement, message_id: str) -> str:
    """POST the announcement to ESCALATION_WEBHOOK_URL with a Standard Webhooks signature.

    Returns a summary of the response, or raises Undelivered.
    """
    return send_signed(
        settings.ESCALATION_WEBHOOK_URL,
        webhook_payload(content),
        message_id=message_id,
        secrets=settings.ESCALATION_WEBHOOK_SECRETS,
    )


def webhook_payload(content: Announcement) -> dict[str, Any]:
    """Return type, timestamp and data, as Standard Webhooks proposes."""
    data = content.as_dict()
    kind, at = data.pop("kind"), data.pop("at")
    return {"type": TEST if kind == TEST else f"incident.{kind}", "timestamp": at, "data": data}
