"""From a notice that is due to a message that somebody took."""

from __future__ import annotations

from collections.abc import Callable

from mediapipe.escalation.notifications import mail, slack, webhook
from mediapipe.escalation.notifications.announcement import Announcement, announcement
from mediapipe.failures import Undelivered
from mediapipe.lifecycle.outbox import record_failure
from mediapipe.models import Channel, Notice

SENDERS: dict[Channel, Callable[[Announcement, str], str]] = {
    Channel.EMAIL: mail.send,
    Channel.WEBHOOK: webhook.send,
    Channel.SLACK: slack.send,
}


def deliver(notice: Notice, retry_after: Callable[[float | None], object] = lambda _: None) -> str:
    """Make one attempt at a notice that was claimed; return the answer.

    If it fails, call `retry_after` with the seconds until Celery's retry (None: there is none) and
    raise Undelivered.
    """
    if notice.payload is None:
        notice.snapshot_payload(announcement(notice.step).as_dict())
    said = Announcement(**(notice.payload or {}))
    try:
        answer = send(Channel(notice.channel), said, notice.key)
    except Undelivered as undelivered:
        to = f"send the {notice.channel} notice of incident {notice.incident_id}"
        retry_after(record_failure(notice, undelivered, to))
        raise
    notice.mark_delivered(answer)
    return answer


def send(channel: Channel, said: Announcement, message_id: str) -> str:
    """Send it over this channel; return the answer in words, or raise Undelivered."""
    if channel not in Channel.configured():
        raise Undelivered("The channel is no longer configured.", again=False)
    return SENDERS[channel](said, message_id)
