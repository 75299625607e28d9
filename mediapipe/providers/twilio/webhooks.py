import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from mediapipe.failures import (
    Absence,
    AddressRefused,
    RecordingAbsent,
    RecordingFailed,
    RecordingSilent,
    RecordingTooShort,
)
from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind, Parameters, Reply, unique
from mediapipe.providers.refusals import WebhookUnreadable
from mediapipe.providers.twilio.conversations import EMPTY_JSON, parse_conversation
from mediapipe.providers.twilio.form import Form, label, without_url
from mediapipe.providers.twilio.media import canonical, recording_sid_in

# MMS has up to 10 media, WhatsApp 1; a signed webhook with more than this is abuse or a bug.
MAX_MEDIA = 50

# Not one of Twilio's events: `manage.py doctor` sends it to test that its signature is accepted.
TRIAL = ("EventType", "onDoctorVisited")

# A refused URL is kept for the operator, truncated to this many characters.
MAX_URL = 2000

# A recording in one of these states has no media yet; another callback will follow.
UNFINISHED = {"in-progress", "paused", "stopped", "processing"}

ABSENCES: dict[str, type[Absence]] = {"absent": RecordingAbsent, "failed": RecordingFailed}
ABSENCES_BY_CODE: dict[str, type[Absence]] = {"16101": RecordingTooShort, "16102": RecordingSilent}

EMPTY_TWIML = Reply("<Response/>", "text/xml")


def parse(
    source: str, parameters: Parameters, headers: Mapping[str, str] | None = None
) -> InboundMessage | None:
    """Return the message that a verified webhook announces, or None for an event to ignore.

    `source` is the last part of the webhook's URL. Raises WebhookUnreadable for an unknown source,
    and if the event type or a SID that identifies the message is missing or malformed.
    """
    if source not in PARSERS:
        raise WebhookUnreadable("source", f"Webhooks of the source {source} are not accepted.")
    # The doctor's test request is verified like any other, but not recorded.
    message = None if TRIAL in parameters else PARSERS[source](Form(parameters))
    if message is None:
        return None
    region = label((headers or {}).get("x-home-region", ""))
    return replace(message, media=unique(message.media), home_region=region)


def reply(source: str) -> Reply:
    """Return an empty TwiML document, or for Conversations (classic) an empty JSON object.

    Twilio would send a text/plain body to the sender as a message. The JSON of Conversations
    (classic) lists changes to the message: there are none.
    """
    return EMPTY_JSON if source == "conversations" else EMPTY_TWIML


def _message_sid(form: Form) -> str:
    # The two older names are deprecated and hold the same SID.
    return form.sid("message_sid", "MM|SM", "MessageSid", "SmsMessageSid", "SmsSid")


def _recording_sid(form: Form) -> str:
    # A <Dial> action names its recording by the URL alone (Twilio: TwiML Dial).
    return form.sid("recording_sid", "RE", "RecordingSid") or recording_sid_in(
        form.text("RecordingUrl")
    )


def _parse_message(form: Form) -> InboundMessage:
    account_sid, subject_sid = form.account_sid(), _message_sid(form)
    if not subject_sid and _recording_sid(form):
        sentence = "This is about a recording: its URL is /webhooks/twilio/recording/."
        raise WebhookUnreadable("wrong_url", sentence)
    if not subject_sid:
        raise WebhookUnreadable("message_sid", "MessageSid is missing.")
    return InboundMessage(
        kind=Kind.MESSAGE,
        source="messaging",
        account_sid=account_sid,
        subject_sid=subject_sid,
        parameters=form.parameters,
        sender=form.label("From"),
        recipient=form.label("To"),
        media=tuple(_message_media(form, account_sid, subject_sid)),
    )


def _message_media(form: Form, account_sid: str, subject_sid: str) -> Iterator[AnnouncedMedia]:
    urls = list(form.numbered("MediaUrl"))
    for number, url in urls[:MAX_MEDIA]:
        content_type = form.label(f"MediaContentType{number}")
        yield _with_url(url, account_sid, subject_sid, content_type)
    # The image of the advert from which a WhatsApp chat was started. A URL outside Twilio is not a
    # failure: another party hosts the image.
    referral = _with_url(
        form.text("ReferralMediaUrl"),
        account_sid,
        subject_sid,
        form.label("ReferralMediaContentType"),
    )
    if referral.failure is None:
        yield referral
    num_media = form.text("NumMedia")
    count = int(num_media) if re.fullmatch(r"[0-9]{1,9}", num_media) else 0
    came = f"{len(urls)} URL{'' if len(urls) == 1 else 's'} came"
    if len(urls) > MAX_MEDIA:
        yield without_url(f"{came}, of which {MAX_MEDIA} are taken")
    elif count > len(urls):
        yield without_url(f"NumMedia says {count}, {came}")


def _parse_recording(form: Form) -> InboundMessage:
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
        yield _absent(form, _with_url(url, account_sid, subject_sid), subject_sid)
    elif url and status not in UNFINISHED:
        yield _with_url(url, account_sid, subject_sid)
    elif status == "completed":
        yield without_url("The recording is completed, and no RecordingUrl came")


def _absent(form: Form, item: AnnouncedMedia, recording_sid: str) -> AnnouncedMedia:
    # ErrorCode is 0 if there is no error.
    code = form.text("ErrorCode")
    known = re.fullmatch(r"[1-9][0-9]{0,8}", code)
    absence = ABSENCES_BY_CODE.get(code, ABSENCES[form.text("RecordingStatus")])
    return AnnouncedMedia(
        identity=recording_sid,
        url="" if item.failure else item.url,
        media_sid=recording_sid,
        failure=absence(f"Twilio error {code}" if known else ""),
    )


def _with_url(
    url: str, account_sid: str, subject_sid: str, content_type: str = ""
) -> AnnouncedMedia:
    try:
        checked, media_sid = canonical(url, account_sid, subject_sid)
    except AddressRefused as refusal:
        # Not the subject's SID: a later callback with the right URL must be a separate item.
        identity = f"refused-{sha256(url.encode()).hexdigest()[:32]}"
        return AnnouncedMedia(
            identity, url[:MAX_URL], declared_content_type=content_type, failure=refusal
        )
    return AnnouncedMedia(media_sid, checked, media_sid, content_type)


PARSERS: dict[str, Callable[[Form], InboundMessage | None]] = {
    "messaging": _parse_message,
    "recording": _parse_recording,
    "conversations": parse_conversation,
}
