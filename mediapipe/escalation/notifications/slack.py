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


def post_to_slack(content: Announcement, message_id: str) -> str:
    """POST it to ESCALATION_SLACK_URL; return a summary of the response, or raise Undelivered.

    Slack has no idempotency key: if the connection breaks after Slack has accepted the message,
    the retry posts it twice.
    """
    return send_json(settings.ESCALATION_SLACK_URL, slack_message(content))


def slack_message(content: Announcement) -> dict[str, Any]:
    """Return a message with an attachment.

    Mattermost, Rocket.Chat and Discord also support attachments, but not blocks.
    """
    attachment = {
        "color": COLOURS.get(StepKind(content.kind), GREY) if content.incident else GREY,
        "fallback": escape(content.headline),
        "title": escape(content.headline),
        "text": escape(content.detail),
        "fields": [
            {"title": escape(name), "value": escape(value), "short": True}
            for name, value in content.facts()
        ],
    }
    if content.url:
        attachment["title_link"] = content.url
    return {"text": escape(content.headline), "attachments": [attachment]}


def escape(text: str) -> str:
    """Escape what Slack would read as a link, a mention or a notification of the whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
