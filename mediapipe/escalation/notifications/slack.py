"""An announcement for Slack, and for what takes the same: Mattermost, Rocket.Chat, Discord."""

from typing import Any

from django.conf import settings

from mediapipe.escalation.notifications.announcement import Announcement
from mediapipe.lifecycle.send import send_json
from mediapipe.models import StepKind

RED, AMBER, GREEN, GREY = "#ba2121", "#c98a00", "#2e7d32", "#6b7280"
COLOURS = {
    StepKind.OPENED: RED,
    StepKind.WORSE: RED,
    StepKind.REOPENED: AMBER,
    StepKind.RECOVERED: GREEN,
}


def send(said: Announcement, message_id: str) -> str:
    """POST it to ESCALATION_SLACK_URL; return the answer in words, or raise Undelivered.

    Slack knows no idempotency key: if the connection breaks after it took the message, the same
    message is there twice.
    """
    return send_json(settings.ESCALATION_SLACK_URL, document(said))


def document(said: Announcement) -> dict[str, Any]:
    """Return the message with an attachment, which all of them understand, as blocks are not."""
    attachment = {
        "color": COLOURS.get(StepKind(said.kind), GREY) if said.incident else GREY,
        "fallback": escaped(said.headline),
        "title": escaped(said.headline),
        "text": escaped(said.detail),
        "fields": [
            {"title": escaped(name), "value": escaped(value), "short": True}
            for name, value in said.facts()
        ],
    }
    if said.url:
        attachment["title_link"] = said.url
    return {"text": escaped(said.headline), "attachments": [attachment]}


def escaped(text: str) -> str:
    """Return the text without what Slack reads as a link, a mention or a call to everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
