"""Webhooks to send: captured ones with fresh SIDs, and the media they announce.

Their URLs are Twilio's, so they are usable without a server; a Simulator replaces the origin
when it sends them. Keyword options apply to every media item, see MediaOptions.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from string import Template
from typing import Literal, Unpack
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from mediapipe.simulator import captured
from mediapipe.simulator.script import (
    ACCOUNT_SID,
    TWILIO_ORIGIN,
    MediaOptions,
    MediaScript,
    conversation_media,
    message_media,
    new_sid,
    recording,
)

Source = Literal["messaging", "recording", "conversations"]
_NUMBERED = re.compile(r"(MediaContentType|MediaUrl)(\d+)")


@dataclass(frozen=True)
class Webhook:
    """One webhook request: its parameters in order, and the media it announces.

    With `announces=False` its media are registered but their delay does not start.
    """

    source: Source
    parameters: tuple[tuple[str, str], ...]
    media: tuple[MediaScript, ...] = ()
    announces: bool = True

    def __getitem__(self, name: str) -> str:
        """Return the first value of a parameter; raise KeyError if missing."""
        return dict(reversed(self.parameters))[name]

    def form(self) -> str:
        """Return the body as Twilio encodes it: a space is + in messages and %20 elsewhere."""
        encode = quote_plus if self.source == "messaging" else quote
        return urlencode(self.parameters, quote_via=encode, safe="")

    def changed(self, **values: str) -> "Webhook":
        """Return a copy with these parameters changed in place, or added at the end."""
        changed = [(name, values.get(name, old)) for name, old in self.parameters]
        names = {name for name, _ in changed}
        added = [pair for pair in values.items() if pair[0] not in names]
        return replace(self, parameters=(*changed, *added))

    def without(self, *names: str) -> "Webhook":
        """Return a copy without these parameters."""
        kept = tuple(pair for pair in self.parameters if pair[0] not in names)
        return replace(self, parameters=kept)

    def fallback(self, error_code: str, error_url: str) -> "Webhook":
        """Return the second request, to the fallback URL, after the first failed at `error_url`."""
        return self.changed(ErrorCode=error_code, ErrorUrl=error_url)

    def at(self, origin: str) -> "Webhook":
        """Return a copy whose media URLs have this origin instead of Twilio's."""
        moved = tuple((name, v.replace(TWILIO_ORIGIN, origin)) for name, v in self.parameters)
        return replace(self, parameters=moved)


def sms(*, account_sid: str = ACCOUNT_SID) -> Webhook:
    """Return an SMS without media."""
    return Webhook("messaging", _fill(captured.SMS, AC=account_sid, SM=new_sid("SM")))


def mms(
    count: int = 1, types: Sequence[str] = ("image/jpeg",), **options: Unpack[MediaOptions]
) -> Webhook:
    """Return an MMS with `count` media, cycling through the types."""
    template = captured.MMS_PICTURE if count == 1 else captured.MMS_PICTURES
    webhook = _message(template, [types[index % len(types)] for index in range(count)], options)
    return webhook.changed(NumSegments=str(count))


def whatsapp(**options: Unpack[MediaOptions]) -> Webhook:
    """Return a WhatsApp message with one medium, by default a JPEG."""
    return _message(captured.WHATSAPP_PICTURE, ["image/jpeg"], options)


def whatsapp_without_number(
    user_id: str = "US.13491208655302741918", **options: Unpack[MediaOptions]
) -> Webhook:
    """Return a WhatsApp picture from a user who hides their number: `user_id` replaces it."""
    webhook = _message(captured.WHATSAPP_WITHOUT_NUMBER, ["image/jpeg"], options)
    return webhook.changed(From=f"whatsapp:{user_id}", ExternalUserId=f"whatsapp:{user_id}")


def whatsapp_document(**options: Unpack[MediaOptions]) -> Webhook:
    """Return a WhatsApp message with a PDF, whose file name is in Body."""
    return whatsapp(**({"content_type": "application/pdf"} | options)).changed(Body="invoice.pdf")


def whatsapp_voice_note(**options: Unpack[MediaOptions]) -> Webhook:
    """Return a WhatsApp voice note, which may have no Body."""
    return whatsapp(**({"content_type": "audio/ogg"} | options)).without("Body")


def whatsapp_text(*, account_sid: str = ACCOUNT_SID) -> Webhook:
    """Return a WhatsApp message without media, in the newer field set."""
    return Webhook("messaging", _fill(captured.WHATSAPP_TEXT, AC=account_sid, SM=new_sid("SM")))


def recording_status(
    status: str = "completed", of: MediaScript | None = None, **options: Unpack[MediaOptions]
) -> Webhook:
    """Return the status callback of a call recording, new or `of` an earlier webhook.

    Only "completed" announces bytes; a recording that "failed" never has any.
    """
    script = of or recording(**({"channels": 2} | options))
    webhook = _recording(captured.CALL_RECORDING, script).changed(RecordingStatus=status)
    if status == "completed":
        return webhook
    if status == "failed":
        script.recording_status = status
    return replace(webhook.without("RecordingDuration"), announces=False)


def record_verb_status(of: MediaScript | None = None, **options: Unpack[MediaOptions]) -> Webhook:
    """Return the status callback of a <Record> recording: one channel and no RecordingTrack."""
    webhook = _recording(captured.CALL_RECORDING, of or recording(**options))
    changed = webhook.changed(RecordingSource="RecordVerb", RecordingChannels="1")
    return changed.without("RecordingTrack")


def absent_recording(error_code: str = "16101", **options: Unpack[MediaOptions]) -> Webhook:
    """Return the callback of an absent recording: 16101 is too short, 16102 silent."""
    script = recording(**({"recording_status": "absent"} | options))
    webhook = _recording(captured.ABSENT_RECORDING, script).changed(ErrorCode=error_code)
    return replace(webhook, announces=False)


def record_action(of: MediaScript | None = None, **options: Unpack[MediaOptions]) -> Webhook:
    """Return the action request of <Record>, which may precede the recording's availability."""
    return _recording(captured.RECORD_ACTION, of or recording(**options))


def transcription(of: MediaScript | None = None, **options: Unpack[MediaOptions]) -> Webhook:
    """Return the transcription callback, which announces its recording again."""
    return _recording(captured.TRANSCRIPTION, of or recording(**options))


def conference_recording(**options: Unpack[MediaOptions]) -> Webhook:
    """Return the status callback of a conference recording, which has no CallSid."""
    script = recording(**({"parent_sid": new_sid("CF")} | options))
    return _recording(captured.CONFERENCE_RECORDING, script)


def conversation(
    count: int = 0, types: Sequence[str] = ("image/jpeg",), **options: Unpack[MediaOptions]
) -> Webhook:
    """Return onMessageAdded with `count` media, cycling through the types; it names no URLs."""
    shared: MediaOptions = {"parent_sid": new_sid("IM"), "service_sid": new_sid("IS")}
    media = [
        conversation_media(**({"content_type": types[index % len(types)]} | shared | options))
        for index in range(count)
    ]
    account_sid = options.get("account_sid", ACCOUNT_SID)
    if not media:
        return Webhook("conversations", _fill(captured.CONVERSATION_TEXT, AC=account_sid))
    first = media[0]
    sids = {"AC": account_sid, "IM": first.parent_sid, "IS": first.service_sid}
    webhook = Webhook("conversations", _fill(captured.CONVERSATION_MEDIA, **sids), tuple(media))
    (picture,) = json.loads(webhook["Media"])
    listed = [
        picture | {"Sid": script.sid, "ContentType": script.content_type, "Size": script.size}
        for script in media
    ]
    return webhook.changed(Media=json.dumps(listed, separators=(",", ":")))


def conversation_event(
    event_type: str = "onMessageAdd", **options: Unpack[MediaOptions]
) -> Webhook:
    """Return another event of a conversation; onMessageAdd asks whether to add a message."""
    webhook = conversation(**options).changed(EventType=event_type)
    # A pre-event: the message has no SID yet.
    return webhook.without("MessageSid", "Index") if event_type == "onMessageAdd" else webhook


def _fill(template: str, **sids: str) -> tuple[tuple[str, str], ...]:
    others = {name: new_sid(name) for name in Template(template).get_identifiers()}
    filled = Template(template).substitute(others | sids)
    return tuple(parse_qsl(filled, keep_blank_values=True, strict_parsing=True))


def _message(template: str, types: Sequence[str], options: MediaOptions) -> Webhook:
    shared: MediaOptions = {"parent_sid": new_sid("MM")}
    media = [
        message_media(**({"content_type": content_type} | shared | options))
        for content_type in types
    ]
    first = media[0]
    parameters = _fill(template, AC=first.account_sid, MM=first.parent_sid)
    webhook = Webhook("messaging", _renumbered(parameters, media), tuple(media))
    return webhook.changed(NumMedia=str(len(media)))


def _renumbered(
    parameters: tuple[tuple[str, str], ...], media: Sequence[MediaScript]
) -> tuple[tuple[str, str], ...]:
    # All items go where the captured webhook has the first numbered parameter of each name.
    values: dict[str, Callable[[MediaScript], str]] = {
        "MediaContentType": lambda script: script.content_type,
        "MediaUrl": lambda script: script.url,
    }
    pairs: list[tuple[str, str]] = []
    for name, value in parameters:
        numbered = _NUMBERED.fullmatch(name)
        if numbered is None:
            pairs.append((name, value))
        elif numbered[2] == "0":
            pairs += [(f"{numbered[1]}{i}", values[numbered[1]](m)) for i, m in enumerate(media)]
    return tuple(pairs)


def _recording(template: str, script: MediaScript) -> Webhook:
    parent = {script.parent_sid[:2]: script.parent_sid}
    sids = {"AC": script.account_sid, "RE": script.sid} | parent
    return Webhook("recording", _fill(template, **sids), (script,))
