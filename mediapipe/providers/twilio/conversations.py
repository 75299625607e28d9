"""What the webhooks of a conversation say (Twilio: conversations webhooks, media resource)."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from mediapipe.failures import UrlMissing
from mediapipe.providers.base import (
    AnnouncedMedia,
    InboundMessage,
    Kind,
    WebhookRequest,
    WebhookUnreadable,
)
from mediapipe.providers.twilio.form import Form, label

# A message has ten media at the most; a signed webhook with more than this is not usual.
MAX_MEDIA = 50
MAX_BYTES = 10**15

EVENT = re.compile(r"on[A-Z][A-Za-z]{1,60}")
ANNOUNCES = "onMessageAdded"
MEDIA_SID = re.compile(r"ME[0-9a-fA-F]{32}")
# Twilio waits for the answer to these before it does what they are about.
PRE_HOOK = re.compile(r"(?:^|[?&])EventType=on[A-Z][A-Za-z]{1,60}(?:Add|Update|Remove)(?:[&#]|$)")


def read(form: Form) -> InboundMessage | None:
    """Return the message that was added; None for an event that announces no media.

    Those are answered all the same, because whoever sends every event here means no harm.
    Raises WebhookUnreadable.
    """
    event = form.text("EventType")
    if not EVENT.fullmatch(event):
        sentence = "EventType is missing: messages and recordings have URLs of their own."
        raise WebhookUnreadable("event_type", sentence)
    return _added(form) if event == ANNOUNCES else None


def is_pre_hook(request: WebhookRequest) -> bool:
    """Tell whether a request, verified or not, is one whose refusal stops what somebody does.

    A status of 400 or more makes Twilio drop the message that it asks about.
    """
    said = request.url if request.method == "GET" else request.body.decode("latin-1")
    return bool(PRE_HOOK.search(said))


def _added(form: Form) -> InboundMessage:
    account_sid = form.account_sid()
    subject_sid = form.sid("message_sid", "IM", "MessageSid")
    if not subject_sid:
        raise WebhookUnreadable("message_sid", "MessageSid is missing.")
    media: dict[str, AnnouncedMedia] = {}
    for item in _media(form):
        media.setdefault(item.identity, item)
    return InboundMessage(
        kind=Kind.CONVERSATION,
        source="conversations",
        account_sid=account_sid,
        subject_sid=subject_sid,
        parameters=form.parameters,
        conversation_sid=form.sid("conversation_sid", "CH", "ConversationSid"),
        sender=form.label("Author"),
        media=tuple(media.values()),
    )


def _media(form: Form) -> Iterator[AnnouncedMedia]:
    service_sid = form.sid("chat_service_sid", "IS", "ChatServiceSid")
    entries = _entries(form.text("Media"))
    if entries is None:
        yield _unnamed("Media is not a list of objects")
        return
    for entry in entries[:MAX_MEDIA]:
        yield _announced(entry, service_sid)
    if len(entries) > MAX_MEDIA:
        yield _unnamed(f"{len(entries)} media came, of which {MAX_MEDIA} are taken")


def _entries(text: str) -> list[dict[str, Any]] | None:
    """Return the objects of the JSON list, none for no text, None where it is something else."""
    if not text:
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if entries is None:
        return []
    listed = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    return entries if listed else None


def _announced(entry: dict[str, Any], service_sid: str) -> AnnouncedMedia:
    # Event Streams calls it MediaSid.
    media_sid = entry.get("Sid") or entry.get("MediaSid")
    if not isinstance(media_sid, str) or not MEDIA_SID.fullmatch(media_sid):
        return _unnamed("An entry of Media has no Sid of ME and 32 hex digits")
    if not service_sid:
        return _unnamed("ChatServiceSid is missing")
    content_type, size = entry.get("ContentType"), entry.get("Size")
    return AnnouncedMedia(
        identity=media_sid,
        url=f"{settings.TWILIO_MCS_URL}/v1/Services/{service_sid}/Media/{media_sid}",
        media_sid=media_sid,
        declared_content_type=label(content_type) if isinstance(content_type, str) else "",
        declared_size=size if type(size) is int and 0 < size < MAX_BYTES else None,
    )


def _unnamed(detail: str) -> AnnouncedMedia:
    return AnnouncedMedia(identity="unnamed", url="", failure=UrlMissing(detail))
