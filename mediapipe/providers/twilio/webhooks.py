"""What Twilio's webhooks say, in the words of this project (Twilio: webhook request, recording)."""

import re
from collections.abc import Callable, Iterator
from hashlib import sha256

from mediapipe.failures import (
    Absence,
    AddressRefused,
    RecordingAbsent,
    RecordingFailed,
    RecordingSilent,
    RecordingTooShort,
    UrlMissing,
)
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind, WebhookUnreadable
from mediapipe.providers.twilio import conversations
from mediapipe.providers.twilio.form import Form
from mediapipe.providers.twilio.media import canonical, recording_sid_in

# MMS carries up to 10 media, WhatsApp 1; a signed webhook with more than this is not usual.
MAX_MEDIA = 50

# No event of Twilio's: `manage.py doctor` signs it to see whether a signature is accepted.
TRIAL = ("EventType", "onDoctorVisited")

# What a refused URL is cut to, in characters.
MAX_URL = 2000

# A recording in one of these states has no media yet; another callback will follow.
UNFINISHED = {"in-progress", "paused", "stopped", "processing"}

ABSENCES: dict[str, type[Absence]] = {"absent": RecordingAbsent, "failed": RecordingFailed}
ABSENCES_BY_CODE: dict[str, type[Absence]] = {"16101": RecordingTooShort, "16102": RecordingSilent}


def parse(source: str, parameters: tuple[tuple[str, str], ...]) -> InboundMessage | None:
    """Return what a verified webhook announces; `source` is the end of the URL it came to.

    None for one that is none of our business. Raises WebhookUnreadable where the SIDs that
    identify it are missing or malformed.
    """
    if source not in READERS:
        raise WebhookUnreadable("source", f"Webhooks of the source {source} are not taken.")
    # It is verified like any other, and then none of our business: nothing of it is recorded.
    return None if TRIAL in parameters else READERS[source](Form(parameters))


def _message_sid(form: Form) -> str:
    # The two older names are deprecated and hold the same SID.
    return form.sid("message_sid", "MM|SM", "MessageSid", "SmsMessageSid", "SmsSid")


def _recording_sid(form: Form) -> str:
    # A <Dial> action names its recording by the URL alone (Twilio: TwiML Dial).
    return form.sid("recording_sid", "RE", "RecordingSid") or recording_sid_in(
        form.text("RecordingUrl")
    )


def _message(form: Form) -> InboundMessage:
    account_sid, subject_sid = form.account_sid(), _message_sid(form)
    if not subject_sid and _recording_sid(form):
        sentence = "This is about a recording: its URL is /webhooks/twilio/recording/."
        raise WebhookUnreadable("wrong_url", sentence)
    if not subject_sid:
        raise WebhookUnreadable("message_sid", "MessageSid is missing.")
    media: dict[str, AnnouncedMedia] = {}
    for item in _message_media(form, account_sid, subject_sid):
        media.setdefault(item.identity, item)
    return InboundMessage(
        kind=Kind.MESSAGE,
        source="messaging",
        account_sid=account_sid,
        subject_sid=subject_sid,
        parameters=form.parameters,
        sender=form.label("From"),
        recipient=form.label("To"),
        media=tuple(media.values()),
    )


def _message_media(form: Form, account_sid: str, subject_sid: str) -> Iterator[AnnouncedMedia]:
    urls = list(form.numbered("MediaUrl"))
    for number, url in urls[:MAX_MEDIA]:
        content_type = form.label(f"MediaContentType{number}")
        yield _announced(url, account_sid, subject_sid, content_type)
    yield from _referral(form, account_sid, subject_sid)
    num_media = form.text("NumMedia")
    count = int(num_media) if re.fullmatch(r"[0-9]{1,9}", num_media) else 0
    came = f"{len(urls)} URL{'' if len(urls) == 1 else 's'} came"
    if len(urls) > MAX_MEDIA:
        yield _unnamed(f"{came}, of which {MAX_MEDIA} are taken")
    elif count > len(urls):
        yield _unnamed(f"NumMedia says {count}, {came}")


def _referral(form: Form, account_sid: str, subject_sid: str) -> Iterator[AnnouncedMedia]:
    # The picture of the advert that a WhatsApp chat came from. An address elsewhere is no
    # failure: the advert is then shown by somebody else.
    item = _announced(
        form.text("ReferralMediaUrl"),
        account_sid,
        subject_sid,
        form.label("ReferralMediaContentType"),
    )
    if item.failure is None:
        yield item


def _recording(form: Form) -> InboundMessage:
    account_sid, subject_sid = form.account_sid(), _recording_sid(form)
    if not subject_sid and _message_sid(form):
        sentence = "This is about a message: its URL is /webhooks/twilio/messaging/."
        raise WebhookUnreadable("wrong_url", sentence)
    if not subject_sid:
        raise WebhookUnreadable("recording_sid", "RecordingSid is missing.")
    return InboundMessage(
        kind=Kind.RECORDING,
        source="recording",
        account_sid=account_sid,
        subject_sid=subject_sid,
        parameters=form.parameters,
        call_sid=form.sid("call_sid", "CA", "CallSid"),
        conference_sid=form.sid("conference_sid", "CF", "ConferenceSid"),
        sender=form.label("From"),
        recipient=form.label("To"),
        media=tuple(_recording_media(form, account_sid, subject_sid)),
    )


def _recording_media(form: Form, account_sid: str, subject_sid: str) -> Iterator[AnnouncedMedia]:
    # A <Record> action and a transcription callback have a RecordingUrl and no status.
    status, url = form.text("RecordingStatus"), form.text("RecordingUrl")
    if status in ABSENCES:
        yield _absent(form, _announced(url, account_sid, subject_sid), subject_sid)
    elif url and status not in UNFINISHED:
        yield _announced(url, account_sid, subject_sid)
    elif status == "completed":
        yield _unnamed("The recording is completed, and no RecordingUrl came")


def _absent(form: Form, item: AnnouncedMedia, recording_sid: str) -> AnnouncedMedia:
    # ErrorCode is 0 where there is no error.
    code = form.text("ErrorCode")
    known = re.fullmatch(r"[1-9][0-9]{0,8}", code)
    absence = ABSENCES_BY_CODE.get(code, ABSENCES[form.text("RecordingStatus")])
    return AnnouncedMedia(
        identity=recording_sid,
        url="" if item.failure else item.url,
        media_sid=recording_sid,
        failure=absence(f"Twilio error {code}" if known else ""),
    )


def _announced(
    url: str, account_sid: str, subject_sid: str, content_type: str = ""
) -> AnnouncedMedia:
    try:
        checked, media_sid = canonical(url, account_sid, subject_sid)
    except AddressRefused as refusal:
        # Not the subject's SID: a later callback with the right URL must not look like this one.
        identity = f"refused-{sha256(url.encode()).hexdigest()[:32]}"
        return AnnouncedMedia(
            identity, url[:MAX_URL], declared_content_type=content_type, failure=refusal
        )
    return AnnouncedMedia(media_sid, checked, media_sid, content_type)


def _unnamed(detail: str) -> AnnouncedMedia:
    return AnnouncedMedia(identity="unnamed", url="", failure=UrlMissing(detail))


READERS: dict[str, Callable[[Form], InboundMessage | None]] = {
    "messaging": _message,
    "recording": _recording,
    "conversations": conversations.read,
}
