from __future__ import annotations

from collections.abc import Callable

from mediapipe.escalation.notifications.announcement import Announcement, announcement
from mediapipe.escalation.notifications.mail import send_email
from mediapipe.escalation.notifications.slack import post_to_slack
from mediapipe.escalation.notifications.webhook import post_webhook
from mediapipe.failures import Undelivered
from mediapipe.lifecycle.outbox import record_failure
from mediapipe.models import Channel, Notice

SENDERS: dict[Channel, Callable[[Announcement, str], str]] = {
    Channel.EMAIL: send_email,
    Channel.WEBHOOK: post_webhook,
    Channel.SLACK: post_to_slack,
}


def deliver_notice(
    notice: Notice, retry_after: Callable[[float | None], object] = lambda _: None
) -> str:
    """Make one attempt at a claimed notice; return a summary of the response.

    On failure, calls `retry_after` with the seconds until Celery's retry (None: there is none) and
    raises Undelivered.
    """
    if notice.payload is None:
        notice.snapshot_payload(announcement(notice.step).as_dict())
    content = Announcement(**(notice.payload or {}))
    try:
        response = send_over(Channel(notice.channel), content, notice.key)
    except Undelivered as failure:
        to = f"send the {notice.channel} notification of incident {notice.incident_id}"
        retry_after(record_failure(notice, failure, to))
        raise
    notice.mark_delivered(response)
    return response


def send_over(channel: Channel, content: Announcement, message_id: str) -> str:
    """Send an announcement; return a summary of the response, or raise Undelivered."""
    if channel not in Channel.configured():
        raise Undelivered("The channel is no longer configured.", again=False)
    return SENDERS[channel](content, message_id)
