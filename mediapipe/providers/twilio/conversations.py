import json
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind, Reply, WebhookRequest
from mediapipe.providers.refusals import WebhookUnreadable
from mediapipe.providers.twilio.form import Form, label, without_url

# A message has at most ten media items; a signed webhook with more than this is abuse or a bug.
MAX_MEDIA = 50
MAX_BYTES = 10**15

EVENT = re.compile(r"on[A-Z][A-Za-z]{1,60}")
MEDIA_SID = re.compile(r"ME[0-9a-fA-F]{32}")
# Twilio waits for the response to these before it does what they announce.
PRE_HOOK = re.compile(r"(?:^|[?&])EventType=on[A-Z][A-Za-z]{1,60}(?:Add|Update|Remove)(?:[&#]|$)")

EMPTY_JSON = Reply("{}", "application/json")


def parse_conversation(form: Form) -> InboundMessage | None:
    """Return the message that was added, or None for any other event of a conversation.

    Other events are accepted because Twilio sends every event that is ticked in its console.
    Raises WebhookUnreadable.
    """
    event = form.text("EventType")
    if not EVENT.fullmatch(event):
        sentence = "EventType is missing: messages and recordings have URLs of their own."
        raise WebhookUnreadable("event_type", sentence)
    if event != "onMessageAdded":
        return None
    account_sid = form.account_sid()
    subject_sid = form.sid("message_sid", "IM", "MessageSid")
    if not subject_sid:
        raise WebhookUnreadable("message_sid", "MessageSid is missing.")
    return InboundMessage(
        kind=Kind.CONVERSATION,
        source="conversations",
        account_sid=account_sid,
        subject_sid=subject_sid,
        parameters=form.parameters,
        conversation_sid=form.sid("conversation_sid", "CH", "ConversationSid"),
        sender=form.label("Author"),
        media=tuple(_media(form)),
    )


def pre_hook_reply(request: WebhookRequest) -> Reply | None:
    """Return the reply that lets a pre-hook pass, or None for any other request.

    A status of 400 or more makes Twilio drop the message that it asks about. The request may be
    unverified: a wrong token in our settings must not block the users' messages.
    """
    text = request.url if request.method == "GET" else request.body.decode("latin-1")
    # The substring test is cheap and excludes most webhooks; the expression tries each character.
    return EMPTY_JSON if "EventType=on" in text and PRE_HOOK.search(text) else None


def _media(form: Form) -> Iterator[AnnouncedMedia]:
    service_sid = form.sid("chat_service_sid", "IS", "ChatServiceSid")
    try:
        entries = json.loads(form.text("Media") or "[]")
    except (ValueError, RecursionError):
        entries = ""
    if entries is None:
        return
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        yield without_url("Media is not a list of objects")
        return
    for entry in entries[:MAX_MEDIA]:
        yield _medium(entry, service_sid)
    if len(entries) > MAX_MEDIA:
        yield without_url(f"{len(entries)} media came, of which {MAX_MEDIA} are taken")


def _medium(entry: dict[str, Any], service_sid: str) -> AnnouncedMedia:
    # Event Streams calls it MediaSid.
    media_sid = entry.get("Sid") or entry.get("MediaSid")
    if not isinstance(media_sid, str) or not MEDIA_SID.fullmatch(media_sid):
        return without_url("An entry of Media has no Sid of ME and 32 hex digits")
    if not service_sid:
        return without_url("ChatServiceSid is missing")
    content_type, size = entry.get("ContentType"), entry.get("Size")
    return AnnouncedMedia(
        identity=media_sid,
        url=f"{settings.TWILIO_MCS_URL}/v1/Services/{service_sid}/Media/{media_sid}",
        media_sid=media_sid,
        declared_content_type=label(content_type) if isinstance(content_type, str) else "",
        # type(), because True is an int as well.
        declared_size=size if type(size) is int and 0 < size < MAX_BYTES else None,
    )
