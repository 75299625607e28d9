"""Which apps get a webhook: one delivery each, written in the transaction of its event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from mediapipe.gateway.entries import Answer, Entry, Media, entries_for
from mediapipe.gateway.original import OriginalRequest
from mediapipe.models import GatewayDelivery, GatewayStatus, WebhookEvent
from mediapipe.providers.base import InboundMessage, Kind, WebhookRequest

# Longer than Twilio waits. If the web process dies, the dispatcher sends the delivery after this.
RESERVED_FOR = timedelta(seconds=20)


def capture(
    event: WebhookEvent,
    message: InboundMessage,
    request: WebhookRequest,
    forwarded: Mapping[str, str],
) -> bool:
    """Insert the deliveries of a verified webhook; return whether any app gets it.

    `forwarded` is the resulting state by app name, for apps that were sent the webhook while the
    database was unavailable.

    An app gets each message once, and each status of a recording: "completed" as well as the one
    before. Without an app there is no query. Raises ImproperlyConfigured if GATEWAY_FILE is
    invalid.
    """
    entries = entries_for(event.account_sid, message.recipient, message.source)
    rows = [_delivery(event, message, request, entry) for entry in entries]
    for row in rows:
        if state := forwarded.get(row.entry):
            row.set_ended(GatewayStatus(state), "Sent while the database was down.")
    if rows:
        GatewayDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _delivery(
    event: WebhookEvent, message: InboundMessage, request: WebhookRequest, entry: Entry
) -> GatewayDelivery:
    now = timezone.now()
    # From now, not from the receipt: after an outage the media is as new to us as the message.
    hold_until = now + timedelta(seconds=entry.hold_s)
    delivery = GatewayDelivery(
        event=event,
        entry=entry.name,
        about=about(message),
        conversation=_conversation(message),
        holds_for_media=entry.media == Media.HOLD,
        hold_until=hold_until,
        received_at=event.received_at,
        next_attempt_at=now,
        # The web thread that recorded the webhook sends it first.
        sweep_at=now + RESERVED_FOR if entry.answer == Answer.APP else now,
    )
    delivery.seal(OriginalRequest.of(request).to_json())
    return delivery


def about(message: InboundMessage) -> str:
    """Return which status of a recording a webhook reports, "" for anything else."""
    if message.kind != Kind.RECORDING:
        return ""
    return dict(message.parameters).get("RecordingStatus", "")[:32]


def _conversation(message: InboundMessage) -> str:
    """Return a keyed hash of account, recipient and sender, so the row shows no phone number."""
    if not message.sender:
        return ""
    parties = "\n".join((message.account_sid, message.recipient, message.sender))
    return salted_hmac("mediapipe.gateway.conversation", parties, algorithm="sha256").hexdigest()
